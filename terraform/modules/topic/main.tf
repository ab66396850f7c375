# One topic. Functions bring their own grants to publish on it, others are given here.

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
}

variable "name" {
  description = "The topic's name, the same as in the topology."
  type        = string
}

variable "publishers" {
  description = "Members other than functions that may publish, by any name."
  type        = map(string)
}

resource "google_pubsub_topic" "this" {
  project = var.project
  name    = var.name
}

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = var.publishers

  project = var.project
  topic   = google_pubsub_topic.this.name
  role    = "roles/pubsub.publisher"
  member  = each.value

  lifecycle {
    # A topic that is created again has lost its grants.
    replace_triggered_by = [google_pubsub_topic.this.id]
  }
}

output "id" {
  description = "The topic's full name."
  value       = google_pubsub_topic.this.id
}
