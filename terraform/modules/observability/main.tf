# What is counted of the line that every delivery ends in (infra/tidegate/logs.py), and who is told when it looks bad.

locals {
  deliveries = "resource.type=\"cloud_run_revision\" AND jsonPayload.action=\"delivery\""

  # The reason of a delivery that was put off because a dependency's breaker is open; its first word is the dependency.
  cut_off = "^[a-z][a-z0-9-]* is (cut off until|being probed)"

  # Of each: which lines, what is added up of them, and what is told apart. A line may stand for several deliveries
  # and says for how many; so what is counted is the sum of a distribution, since a counter would count lines.
  measures = {
    deliveries = {
      description = "Deliveries that ended, and how"
      filter      = local.deliveries
      field       = "weight"
      labels = {
        function   = "EXTRACT(jsonPayload.function)"
        verdict    = "EXTRACT(jsonPayload.verdict)"
        event_type = "EXTRACT(jsonPayload.event_type)"
      }
    }
    cut_off = {
      description = "Deliveries that were put off because a breaker is open"
      filter      = "${local.deliveries} AND jsonPayload.reason=~\"${local.cut_off}\""
      field       = "weight"
      labels = {
        function   = "EXTRACT(jsonPayload.function)"
        dependency = "REGEXP_EXTRACT(jsonPayload.reason, \"^([a-z][a-z0-9-]*) \")"
      }
    }
    # A delivery that is put off for another reason says it; one that finds its event claimed has nothing to say.
    contention = {
      description = "Deliveries that found their event under way already"
      filter      = "${local.deliveries} AND jsonPayload.verdict=\"busy\" AND NOT jsonPayload.reason:*"
      field       = "weight"
      labels      = { function = "EXTRACT(jsonPayload.function)" }
    }
    attempts = {
      description = "Runs that events took until they were done or given up"
      filter      = "${local.deliveries} AND jsonPayload.verdict=~\"done|dead\""
      field       = "attempt"
      labels      = { function = "EXTRACT(jsonPayload.function)" }
    }
    duration = {
      description = "How long deliveries took, from receipt to answer"
      filter      = local.deliveries
      field       = "duration_ms"
      labels      = { function = "EXTRACT(jsonPayload.function)" }
    }
    latency = {
      description = "How long it took from publish to answer"
      filter      = "${local.deliveries} AND jsonPayload.latency_ms>=0"
      field       = "latency_ms"
      labels      = { function = "EXTRACT(jsonPayload.function)" }
    }
  }

  # As PromQL knows them: https://cloud.google.com/monitoring/promql/promql-mapping. Metrics of logs may be of any
  # resource, so a query has to name the one.
  metric = {
    for name in keys(local.measures) :
    name => "logging_googleapis_com:user_${replace(var.application, "-", "_")}_${name}"
  }
  on_run          = "monitored_resource=\"cloud_run_revision\""
  on_subscription = "monitored_resource=\"pubsub_subscription\""
  oldest          = "pubsub_googleapis_com:subscription_oldest_unacked_message_age"
}

resource "google_logging_metric" "this" {
  for_each = local.measures

  project          = var.project
  name             = "${var.application}/${each.key}"
  description      = each.value.description
  filter           = each.value.filter
  value_extractor  = "EXTRACT(jsonPayload.${each.value.field})"
  label_extractors = each.value.labels

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = endswith(each.value.field, "_ms") ? "ms" : "1"

    dynamic "labels" {
      for_each = each.value.labels

      content {
        key        = labels.key
        value_type = "STRING"
      }
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
