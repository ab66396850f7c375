# A topic alone.

mock_provider "google" {}

variables {
  project      = "flight-desk"
  name         = "parcel.sent"
  publishers   = {}
  pubsub_agent = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
}

run "values_that_cannot_be" {
  command = plan

  module {
    source = "./modules/topic"
  }

  variables {
    name           = "goog.parcels"
    publishers     = { everybody = "allUsers" }
    retention_days = 32
    schema         = { type = "JSON", definition = "{}", encoding = "JSON" }
    archive        = { to = "tape" }
    ingestion      = {}
  }

  expect_failures = [var.name, var.publishers, var.retention_days, var.schema, var.archive, var.ingestion]
}
