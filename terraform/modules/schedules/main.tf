# What is published at fixed times, by Cloud Scheduler itself: its service agent may publish in every project with
# the API on. Its messages are plain, without an event's attributes; their ids are the broker's.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

variable "project" {
  description = "Id of the project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project's id."
  }
}

variable "region" {
  description = "Region of the jobs."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region, such as europe-west1."
  }
}

variable "schedules" {
  description = "What is published when, by the schedule's name in the topology: the topic's full name, and its data as JSON."
  type = map(object({
    cron     = string
    timezone = string
    topic    = string
    data     = string
  }))

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : can(jsondecode(schedule.data))])
    error_message = "The data of a schedule must be JSON."
  }

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : length(split(" ", trimspace(replace(schedule.cron, "/\\s+/", " ")))) == 5])
    error_message = "The cron of a schedule must have five fields: minute, hour, day, month, weekday."
  }
}

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
