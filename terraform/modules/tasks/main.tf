# Events that are due later: a queue whose tasks are Pub/Sub's own publish calls, and the account they are made as.
# Cloud Tasks may sign as that account by the role that its service agent has in every project with the API on.

resource "google_cloud_tasks_queue" "this" {
  project  = var.project
  location = var.region
  name     = var.name

  rate_limits {
    max_dispatches_per_second = var.delivery.max_per_second
    max_concurrent_dispatches = var.delivery.max_concurrent
  }

  # Until it is published: the functions that emitted the event have long acked what it follows from. Where there
  # is no limit of attempts and of time, Cloud Tasks gives up after its longest retention, 31 days.
  retry_config {
    max_attempts       = -1
    max_retry_duration = "0s"
    min_backoff        = "${var.delivery.min_backoff_seconds}s"
    max_backoff        = "${var.delivery.max_backoff_seconds}s"
    max_doublings      = var.delivery.max_doublings
  }

  lifecycle {
    # With it would go the events that wait in it.
    prevent_destroy = true
  }
}

resource "google_service_account" "this" {
  project      = var.project
  account_id   = var.account_id
  display_name = "Publishes the events that wait in ${var.name}"
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = var.publishes

  project = var.project
  topic   = each.value
  role    = "roles/pubsub.publisher"
  member  = google_service_account.this.member
}
