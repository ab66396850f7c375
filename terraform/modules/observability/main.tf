# What is counted of the line that every delivery ends in (infra/tidegate/logs.py), and who is told when it looks bad.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

locals {
  deliveries = "resource.type=\"cloud_run_revision\" AND jsonPayload.action=\"delivery\""

  # The reason of a delivery that was put off because a dependency's breaker is open; its first word is the dependency.
  cut_off = "^[a-z][a-z0-9-]* is (cut off until|being probed)"

  counters = {
    deliveries = {
      description = "Deliveries that ended, and how"
      filter      = local.deliveries
      labels = {
        function   = "EXTRACT(jsonPayload.function)"
        verdict    = "EXTRACT(jsonPayload.verdict)"
        event_type = "EXTRACT(jsonPayload.event_type)"
      }
    }
    cut_off = {
      description = "Deliveries that were put off because a breaker is open"
      filter      = "${local.deliveries} AND jsonPayload.reason=~\"${local.cut_off}\""
      labels = {
        function   = "EXTRACT(jsonPayload.function)"
        dependency = "REGEXP_EXTRACT(jsonPayload.reason, \"^([a-z][a-z0-9-]*) \")"
      }
    }
    # A delivery that is put off for another reason says it; one that finds its event claimed has nothing to say.
    contention = {
      description = "Deliveries that found their event under way already"
      filter      = "${local.deliveries} AND jsonPayload.verdict=\"busy\" AND NOT jsonPayload.reason:*"
      labels      = { function = "EXTRACT(jsonPayload.function)" }
    }
  }

  distributions = {
    duration = { description = "How long deliveries took, from receipt to answer", field = "duration_ms" }
    latency  = { description = "How long it took from publish to answer", field = "latency_ms" }
  }

  # As PromQL knows them: https://cloud.google.com/monitoring/promql/promql-mapping. Metrics of logs may be of any
  # resource, so a query has to name the one.
  metric = {
    for name in concat(keys(local.counters), keys(local.distributions)) :
    name => "logging_googleapis_com:user_${replace(var.application, "-", "_")}_${name}"
  }
  on_run          = "monitored_resource=\"cloud_run_revision\""
  on_subscription = "monitored_resource=\"pubsub_subscription\""
  oldest          = "pubsub_googleapis_com:subscription_oldest_unacked_message_age"
}

resource "google_logging_metric" "counter" {
  for_each = local.counters

  project          = var.project
  name             = "${var.application}/${each.key}"
  description      = each.value.description
  filter           = each.value.filter
  label_extractors = each.value.labels

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"

    dynamic "labels" {
      for_each = each.value.labels

      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }
}

resource "google_logging_metric" "distribution" {
  for_each = local.distributions

  project          = var.project
  name             = "${var.application}/${each.key}"
  description      = each.value.description
  filter           = "${local.deliveries} AND jsonPayload.${each.value.field}>=0"
  value_extractor  = "EXTRACT(jsonPayload.${each.value.field})"
  label_extractors = { function = "EXTRACT(jsonPayload.function)" }

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "ms"

    labels {
      key        = "function"
      value_type = "STRING"
    }
  }

  # From a millisecond to twelve days, which is how long an event may have waited.
  bucket_options {
    exponential_buckets {
      num_finite_buckets = 30
      growth_factor      = 2
      scale              = 1
    }
  }
}
