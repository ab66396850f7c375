# Messages that Pub/Sub itself takes from a stream elsewhere. It signs in there as an account of this topic alone,
# without any key: the other side trusts that account's unique id, or its email.

locals {
  # A list of at most one for each kind of source.
  source = {
    for kind in ["kinesis", "msk", "confluent_cloud", "event_hubs"] : kind =>
    [for source in [try(var.ingestion[kind], null)] : source if source != null]
  }

  # An account's id has at most 30 characters; beyond that, a digest keeps cut names apart.
  ingestion    = "ingest-${replace(var.name, "/[._]/", "-")}"
  ingestion_id = length(local.ingestion) <= 30 ? local.ingestion : "${substr(local.ingestion, 0, 21)}-${substr(sha256(var.name), 0, 8)}"
}

resource "google_service_account" "ingestion" {
  for_each = toset(var.ingestion == null ? [] : ["ingestion"])

  project      = var.project
  account_id   = local.ingestion_id
  display_name = "Brings messages from elsewhere to ${var.name}"
}

resource "google_service_account_iam_member" "ingestion_token" {
  for_each = google_service_account.ingestion

  service_account_id = each.value.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = var.pubsub_agent
}

resource "google_pubsub_topic_iam_member" "ingestion" {
  for_each = google_service_account.ingestion

  project = var.project
  topic   = google_pubsub_topic.this.name
  role    = "roles/pubsub.publisher"
  member  = each.value.member

  lifecycle {
    replace_triggered_by = [google_pubsub_topic.this.id]
  }
}
