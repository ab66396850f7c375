# A copy of every message, for analysis and for the day when something has to be looked up. Pub/Sub writes it by
# itself. It has no dead-letter policy: what cannot be written is tried again for as long as Pub/Sub keeps anything,
# the alert on the oldest unacked message tells of it, and the dead-letter function could do nothing about it.

locals {
  deployed_name = replace(var.name, "/[._]/", "-")
  # One name or none.
  archived = toset(var.archive == null ? [] : [var.archive.to])
  tables   = setintersection(local.archived, ["bigquery"])
  buckets  = setintersection(local.archived, ["storage"])
}

resource "google_bigquery_table" "archive" {
  for_each = local.tables

  project    = var.project
  dataset_id = var.archive.dataset
  table_id   = replace(var.name, "/[.-]/", "_")

  # What Pub/Sub writes where it writes metadata. The data is text, since a column of JSON would refuse all else.
  schema = jsonencode([
    { name = "data", type = "STRING", mode = "NULLABLE" },
    { name = "subscription_name", type = "STRING", mode = "NULLABLE" },
    { name = "message_id", type = "STRING", mode = "NULLABLE" },
    { name = "publish_time", type = "TIMESTAMP", mode = "NULLABLE" },
    { name = "attributes", type = "JSON", mode = "NULLABLE" },
  ])

  time_partitioning {
    type          = "DAY"
    field         = "publish_time"
    expiration_ms = var.archive.days == null ? null : var.archive.days * 86400000
  }

  deletion_protection = true

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_bigquery_table_iam_member" "writer" {
  for_each = google_bigquery_table.archive

  project    = var.project
  dataset_id = each.value.dataset_id
  table_id   = each.value.table_id
  role       = "roles/bigquery.dataEditor"
  member     = var.pubsub_agent
}

resource "google_pubsub_subscription" "archive" {
  for_each = local.archived

  project = var.project
  name    = "archive-${local.deployed_name}"
  topic   = google_pubsub_topic.this.id

  ack_deadline_seconds       = 300        # at least as long as a file stays open
  message_retention_duration = "2678400s" # 31 days, as long as there is

  dynamic "bigquery_config" {
    for_each = google_bigquery_table.archive

    content {
      table          = "${var.project}.${bigquery_config.value.dataset_id}.${bigquery_config.value.table_id}"
      write_metadata = true
    }
  }

  dynamic "cloud_storage_config" {
    for_each = local.buckets

    content {
      bucket                   = var.archive.bucket
      filename_prefix          = "${var.name}/"
      filename_datetime_format = "YYYY-MM-DD/hh_mm_ssZ"
      filename_suffix          = ".avro"
      max_duration             = "300s"
      max_bytes                = 100000000

      avro_config {
        write_metadata = true
      }
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  expiration_policy {
    ttl = ""
  }

  lifecycle {
    prevent_destroy = true
  }

  # Without the right to write, Pub/Sub refuses the subscription.
  depends_on = [google_bigquery_table_iam_member.writer]
}
