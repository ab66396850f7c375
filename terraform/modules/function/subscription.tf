# What pushes the topic's messages to the function. Explicit, because a subscription that Eventarc manages
# takes no filter, no ordering and no dead-letter policy.

resource "google_pubsub_subscription" "this" {
  project = var.project
  name    = local.deployed_name
  topic   = var.subscription.topic

  # A change of filter or ordering creates the subscription again, and what waits in the old one is lost.
  filter                  = var.subscription.targeted ? "NOT attributes:tidegate-target OR attributes.tidegate-target = \"${var.name}\"" : null
  enable_message_ordering = var.subscription.ordered

  ack_deadline_seconds       = var.ack_deadline_seconds
  message_retention_duration = "${max(600, var.subscription.retention_days * 86400)}s" # Pub/Sub refuses less than ten minutes

  push_config {
    push_endpoint = google_cloudfunctions2_function.this.service_config[0].uri

    oidc_token {
      service_account_email = var.push_account
      audience              = google_cloudfunctions2_function.this.service_config[0].uri
    }
  }

  # Without it a message that was nacked comes again at once, and a failing service is hammered.
  retry_policy {
    minimum_backoff = "${var.subscription.backoff.min_seconds}s"
    maximum_backoff = "${var.subscription.backoff.max_seconds}s"
  }

  # For what never reaches the runtime, such as a crash loop; the runtime counts attempts and gives up by itself.
  dynamic "dead_letter_policy" {
    for_each = var.subscription.backstop ? [var.subscription.dead_letter_topic] : []

    content {
      dead_letter_topic     = dead_letter_policy.value
      max_delivery_attempts = var.subscription.max_deliveries
    }
  }

  # Never: by default Pub/Sub deletes a subscription that was idle for 31 days.
  expiration_policy {
    ttl = ""
  }

  # The first push may come at once. Until it is allowed, it would only count as a delivery.
  depends_on = [
    google_cloud_run_service_iam_member.push,
    google_project_iam_member.firestore,
    google_pubsub_topic_iam_member.publisher,
  ]
}

# To forward a message, Pub/Sub's agent also has to take it from here.
resource "google_pubsub_subscription_iam_member" "backstop" {
  for_each = toset(var.subscription.backstop ? ["dead-letters"] : [])

  project      = var.project
  subscription = google_pubsub_subscription.this.name
  role         = "roles/pubsub.subscriber"
  member       = var.pubsub_agent

  lifecycle {
    # A subscription that is created again has lost its grants.
    replace_triggered_by = [google_pubsub_subscription.this.id]
  }
}
