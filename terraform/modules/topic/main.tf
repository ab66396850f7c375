# One topic. Functions bring their own grants to publish on it, others are given here.

resource "google_pubsub_schema" "this" {
  for_each = toset(var.schema == null ? [] : ["enforced"])

  project    = var.project
  name       = var.name
  type       = var.schema.type
  definition = var.schema.definition
}

resource "google_pubsub_topic" "this" {
  project = var.project
  name    = var.name

  # For replays: what every subscription has acked can be delivered again by seeking to a time.
  message_retention_duration = var.retention_days == null ? null : "${var.retention_days * 86400}s"

  dynamic "schema_settings" {
    for_each = google_pubsub_schema.this

    content {
      schema   = schema_settings.value.id
      encoding = var.schema.encoding
    }
  }

  # Its messages are plain, without an event's attributes; their ids are the broker's.
  dynamic "ingestion_data_source_settings" {
    for_each = google_service_account.ingestion

    content {
      dynamic "aws_kinesis" {
        for_each = local.source.kinesis

        content {
          stream_arn          = aws_kinesis.value.stream_arn
          consumer_arn        = aws_kinesis.value.consumer_arn
          aws_role_arn        = aws_kinesis.value.aws_role_arn
          gcp_service_account = ingestion_data_source_settings.value.email
        }
      }

      dynamic "aws_msk" {
        for_each = local.source.msk

        content {
          cluster_arn         = aws_msk.value.cluster_arn
          topic               = aws_msk.value.topic
          aws_role_arn        = aws_msk.value.aws_role_arn
          gcp_service_account = ingestion_data_source_settings.value.email
        }
      }

      dynamic "confluent_cloud" {
        for_each = local.source.confluent_cloud

        content {
          bootstrap_server    = confluent_cloud.value.bootstrap_server
          cluster_id          = confluent_cloud.value.cluster_id
          topic               = confluent_cloud.value.topic
          identity_pool_id    = confluent_cloud.value.identity_pool_id
          gcp_service_account = ingestion_data_source_settings.value.email
        }
      }

      dynamic "azure_event_hubs" {
        for_each = local.source.event_hubs

        content {
          resource_group      = azure_event_hubs.value.resource_group
          namespace           = azure_event_hubs.value.namespace
          event_hub           = azure_event_hubs.value.event_hub
          client_id           = azure_event_hubs.value.client_id
          tenant_id           = azure_event_hubs.value.tenant_id
          subscription_id     = azure_event_hubs.value.subscription_id
          gcp_service_account = ingestion_data_source_settings.value.email
        }
      }
    }
  }

  # Ingestion begins with the topic, and stops where it may not sign in.
  depends_on = [google_service_account_iam_member.ingestion_token]
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
