# A subscription alone: what is known of its push and its backstop only with the function and the topics.

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
  editors              = { governor = "serviceAccount:parcels-governor@flight-desk.iam.gserviceaccount.com" }
  pubsub_agent         = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
}

run "it_pushes_and_forwards" {
  command = plan

  module {
    source = "./modules/subscription"
  }

  assert {
    condition = (
      google_pubsub_subscription.this.push_config[0].push_endpoint == var.push.endpoint &&
      google_pubsub_subscription.this.push_config[0].oidc_token[0].audience == var.push.endpoint &&
      google_pubsub_subscription.this.push_config[0].oidc_token[0].service_account_email == var.push.account
    )
    error_message = "Pushes do not go to the function, signed by the account that may call it."
  }

  assert {
    condition = (
      google_pubsub_subscription.this.topic == var.topic &&
      google_pubsub_subscription.this.dead_letter_policy[0].dead_letter_topic == var.backstop.topic
    )
    error_message = "Messages do not come from the topic, or are not forwarded to that of dead letters."
  }

  assert {
    condition = (
      google_pubsub_subscription_iam_member.backstop["dead-letters"].member == var.pubsub_agent &&
      google_pubsub_subscription_iam_member.editor["governor"].member == var.editors["governor"]
    )
    error_message = "Pub/Sub may not take from it, or who pauses may not change it."
  }
}
