# A subscription alone.

mock_provider "google" {}

variables {
  project              = "flight-desk"
  function             = "weigh_parcel"
  topic                = "projects/flight-desk/topics/parcel.sent"
  push                 = { endpoint = "https://weigh-parcel.example.com", account = "pubsub@flight-desk.iam.gserviceaccount.com" }
  ordered              = false
  backoff              = { min_seconds = 1, max_seconds = 60 }
  ack_deadline_seconds = 75
  retention_days       = 7
  backstop             = { topic = "projects/flight-desk/topics/dead.letters", max_deliveries = 100 }
  targeted             = true
  editors              = {}
  pubsub_agent         = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
}

run "values_that_cannot_be" {
  command = plan

  module {
    source = "./modules/subscription"
  }

  variables {
    push                 = { endpoint = "http://weigh-parcel.example.com", account = "pubsub" }
    backoff              = { min_seconds = 60, max_seconds = 1 }
    ack_deadline_seconds = 601
    retention_days       = 32
    backstop             = { topic = "projects/flight-desk/topics/dead.letters", max_deliveries = 4 }
  }

  expect_failures = [var.push, var.backoff, var.ack_deadline_seconds, var.retention_days, var.backstop]
}
