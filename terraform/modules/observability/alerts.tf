# Each alert says what it means and which section of docs/operating.md to open. All are PromQL: its conditions may
# name metrics that do not exist yet, as those of logs do not until something has been logged. Where nothing failed, a
# share has no numerator and is no share, so nothing fires.

locals {
  failing    = "${local.metric.deliveries}_sum{${local.on_run},verdict=~\"retry|dead\"}"
  delivered  = "${local.metric.deliveries}_sum{${local.on_run}}"
  contending = "${local.metric.contention}_sum{${local.on_run}}"
  waiting    = "${local.oldest}{${local.on_subscription}}"

  # What is true while it fires, and for how many minutes it has to be; what that means, and how bad it is.
  alerts = {
    dead_letters = {
      title    = "Dead letters"
      severity = "ERROR"
      section  = "dead-letters"
      meaning  = "Events were given up. They are filed with the reason, and nothing is done with them until somebody decides."
      minutes  = 0
      query    = "sum by (function) (increase(${local.metric.deliveries}_sum{${local.on_run},verdict=\"dead\"}[5m])) > 0 or sum by (subscription_id) (increase(pubsub_googleapis_com:subscription_dead_letter_message_count{${local.on_subscription}}[5m])) > 0"
    }
    oldest_unacked = {
      title    = "Messages wait too long"
      severity = "WARNING"
      section  = "messages-wait-too-long"
      meaning  = "A subscription has messages that are older than ${var.alerts.oldest_unacked_minutes} minutes. What is older than its retention is lost."
      minutes  = 5
      query    = "max by (subscription_id) (${local.waiting}) > ${var.alerts.oldest_unacked_minutes * 60}"
    }
    error_ratio = {
      title    = "Too many deliveries fail"
      severity = "WARNING"
      section  = "too-many-deliveries-fail"
      meaning  = "More than ${var.alerts.error_ratio * 100} % of a function's deliveries have to be tried again or are given up."
      minutes  = 10
      query    = "sum by (function) (rate(${local.failing}[10m])) / sum by (function) (rate(${local.delivered}[10m])) > ${var.alerts.error_ratio}"
    }
    breaker_open = {
      title    = "A breaker is open"
      severity = "WARNING"
      section  = "a-breaker-is-open"
      meaning  = "A dependency does not work, and is left alone. Events that need it wait; no attempt is spent."
      minutes  = 0
      query    = "sum by (dependency) (increase(${local.metric.cut_off}_sum{${local.on_run}}[10m])) > 0"
    }
    contention = {
      title    = "Ledger contention"
      severity = "WARNING"
      section  = "ledger-contention"
      meaning  = "More than ${var.alerts.contention_ratio * 100} % of a function's deliveries find their event claimed by another one: they come again before the first has ended."
      minutes  = 10
      query    = "sum by (function) (rate(${local.contending}[10m])) / sum by (function) (rate(${local.delivered}[10m])) > ${var.alerts.contention_ratio}"
    }
    # Only where jobs are followed.
    jobs_stuck = {
      title    = "Jobs are stuck"
      severity = "ERROR"
      section  = "jobs-are-stuck"
      meaning  = "What jobs wait for is not handled: the parts that have settled, or the letters that say that one is dead. Whoever waits for a job waits on."
      minutes  = 5
      query    = "max by (subscription_id) (${local.oldest}{${local.on_subscription},subscription_id=~\"${join("|", sort(var.job_subscriptions))}\"}) > ${var.alerts.jobs_stuck_minutes * 60}"
    }
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = var.alerts.emails

  project      = var.project
  display_name = each.key
  type         = "email"
  labels       = { email_address = each.key }
}

resource "google_monitoring_alert_policy" "this" {
  for_each = { for name, alert in local.alerts : name => alert if name != "jobs_stuck" || length(var.job_subscriptions) > 0 }

  project      = var.project
  display_name = "${var.application}: ${each.value.title}"
  severity     = each.value.severity
  combiner     = "OR"

  conditions {
    display_name = each.value.title

    condition_prometheus_query_language {
      query                     = each.value.query
      duration                  = "${each.value.minutes * 60}s"
      evaluation_interval       = "60s"
      disable_metric_validation = true
    }
  }

  documentation {
    subject   = "${var.application}: ${each.value.title}"
    content   = "${each.value.meaning}\n\nWhat to do: docs/operating.md#${each.value.section}"
    mime_type = "text/markdown"
  }

  notification_channels = concat(
    [for channel in values(google_monitoring_notification_channel.email) : channel.name],
    sort(var.alerts.channels),
  )
}
