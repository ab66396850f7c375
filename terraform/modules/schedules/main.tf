# What is published at fixed times, by Cloud Scheduler itself: its service agent may publish in every project with
# the API on. Its messages are plain, without an event's attributes; their ids are the broker's.

resource "google_cloud_scheduler_job" "this" {
  for_each = var.schedules

  project   = var.project
  region    = var.region
  name      = replace(each.key, "_", "-")
  schedule  = each.value.cron
  time_zone = each.value.timezone

  pubsub_target {
    topic_name = each.value.topic
    data       = base64encode(each.value.data)
    attributes = { content-type = "application/json" }
  }

  # By default a time at which Pub/Sub does not answer is left out.
  retry_config {
    retry_count          = 5
    min_backoff_duration = "5s"
    max_backoff_duration = "60s"
  }
}
