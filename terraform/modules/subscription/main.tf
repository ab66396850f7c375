# What pushes the topic's messages to the function. Explicit, because a subscription that Eventarc manages
# takes no filter, no ordering and no dead-letter policy.

resource "google_pubsub_subscription" "this" {
  project = var.project
  name    = replace(var.function, "_", "-")
  topic   = var.topic

  # A change of filter or ordering would create the subscription again.
  filter                  = var.targeted ? "NOT attributes:tidegate-target OR attributes.tidegate-target = \"${var.function}\"" : null
  enable_message_ordering = var.ordered

  ack_deadline_seconds       = var.ack_deadline_seconds
  message_retention_duration = "${max(600, var.retention_days * 86400)}s" # Pub/Sub refuses less than ten minutes

  # Without it the messages wait to be pulled. Pub/Sub keeps them when it goes or comes.
  dynamic "push_config" {
    for_each = var.push == null ? [] : [var.push]

    content {
      push_endpoint = push_config.value.endpoint

      oidc_token {
        service_account_email = push_config.value.account
        audience              = push_config.value.endpoint
      }
    }
  }

  # Without it a message that was nacked comes again at once, and a failing service is hammered.
  retry_policy {
    minimum_backoff = "${var.backoff.min_seconds}s"
    maximum_backoff = "${var.backoff.max_seconds}s"
  }

  # For what never reaches the runtime, such as a crash loop; the runtime counts attempts and gives up by itself.
  dynamic "dead_letter_policy" {
    for_each = var.backstop == null ? [] : [var.backstop]

    content {
      dead_letter_topic     = dead_letter_policy.value.topic
      max_delivery_attempts = dead_letter_policy.value.max_deliveries
    }
  }

  # Never: by default Pub/Sub deletes a subscription that was idle for 31 days.
  expiration_policy {
    ttl = ""
  }

  lifecycle {
    # With it would go the work that waits in it. A function that leaves the topology goes to retired_functions; once
    # its subscription is empty, delete that by hand, and the entry: what is gone is not planned for any more.
    prevent_destroy = true
  }
}

# To forward a message, Pub/Sub's agent also has to take it from here.
resource "google_pubsub_subscription_iam_member" "backstop" {
  for_each = toset(var.backstop == null ? [] : ["dead-letters"])

  project      = var.project
  subscription = google_pubsub_subscription.this.name
  role         = "roles/pubsub.subscriber"
  member       = var.pubsub_agent

  lifecycle {
    # A subscription that is created again has lost its grants.
    replace_triggered_by = [google_pubsub_subscription.this.id]
  }
}

# The least of the predefined roles that lets somebody change how it pushes.
resource "google_pubsub_subscription_iam_member" "editor" {
  for_each = var.editors

  project      = var.project
  subscription = google_pubsub_subscription.this.name
  role         = "roles/pubsub.editor"
  member       = each.value

  lifecycle {
    # As above.
    replace_triggered_by = [google_pubsub_subscription.this.id]
  }
}
