# Where copies of messages go, from the topics that topic_options says so of. What has been archived is nowhere
# else: none of it is destroyed with the configuration that made it.

locals {
  archived = { for name, options in var.topic_options : name => options.archive if options.archive != null }

  archives = {
    for name, to in local.archived : name => {
      to      = to
      dataset = to == "bigquery" ? google_bigquery_dataset.archive["bigquery"].dataset_id : null
      # By the grant, without which Pub/Sub refuses the subscription.
      bucket = to == "storage" ? google_storage_bucket_iam_member.archive["roles/storage.objectCreator"].bucket : null
      days   = var.archive_days
    }
  }

  schemas = {
    for name, options in var.topic_options : name => {
      type       = options.schema.type
      definition = file(options.schema.path)
      encoding   = options.schema.encoding
    } if options.schema != null
  }
}

resource "google_bigquery_dataset" "archive" {
  for_each = toset([for to in values(local.archived) : to if to == "bigquery"])

  dataset_id  = "${replace(local.application, "-", "_")}_archive"
  description = "Every message of the archived topics of ${local.application}"
  location    = var.region

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.this]
}

resource "google_storage_bucket" "archive" {
  for_each = toset([for to in values(local.archived) : to if to == "storage"])

  name                        = "${var.project}-${local.account_suffix}-archive"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # Written once and seldom read.
  lifecycle_rule {
    condition {
      age = 30
    }
    action {
      type          = "SetStorageClass"
      storage_class = "COLDLINE"
    }
  }

  dynamic "lifecycle_rule" {
    for_each = var.archive_days == null ? [] : [var.archive_days]

    content {
      condition {
        age = lifecycle_rule.value
      }
      action {
        type = "Delete"
      }
    }
  }

  lifecycle {
    prevent_destroy = true
  }

  depends_on = [google_project_service.this]
}

# To write objects, and to see that the bucket is there.
resource "google_storage_bucket_iam_member" "archive" {
  for_each = toset(length(google_storage_bucket.archive) == 0 ? [] : ["roles/storage.legacyBucketReader", "roles/storage.objectCreator"])

  bucket = google_storage_bucket.archive["storage"].name
  role   = each.key
  member = local.pubsub_agent
}
