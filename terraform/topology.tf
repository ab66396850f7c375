# The topology with the defaults that infra/tidegate/topology.py gives it. The tests plan a topology that relies
# on every one of them, and hold the plan against the Python model.

locals {
  topology          = yamldecode(file(var.topology))
  application       = local.topology.application
  dead_letter_topic = try(local.topology.dead_letter_topic, "dead.letters")
  topics            = toset(concat(keys(local.topology.topics), [local.dead_letter_topic]))
  dependencies      = try(local.topology.dependencies, {})

  # What the runtime publishes where jobs are followed: a part of one has settled, and all of it has.
  advanced_topic = "job.advanced"
  settled_topic  = "job.settled"

  # And where a breaker has cut a dependency off: it wakes the function that pauses what needs it.
  woken_topic = "governor.woken"

  limits = {
    lease_margin_seconds = try(local.topology.limits.lease_margin_seconds, 15)
    retention_days       = try(local.topology.limits.retention_days, 7)
    max_deliveries       = try(local.topology.limits.max_deliveries, 100)
  }

  functions = {
    for name, function in local.topology.functions : name => {
      topic              = function.topic
      emits              = try(function.emits, [])
      files_dead_letters = function.topic == local.dead_letter_topic
      advances_jobs      = function.topic == local.advanced_topic
      governs            = function.topic == local.woken_topic
      concurrency        = try(function.concurrency, 16)
      ordered            = try(function.ordered, false)
      dependencies       = try(function.dependencies, [])
      # Rounded up to whole seconds, and within what Pub/Sub takes.
      ack_deadline_seconds = min(600, max(10, floor(try(function.timeout_seconds, 60) + local.limits.lease_margin_seconds + 0.999)))
      backoff = {
        min_seconds = try(function.backoff.min_seconds, 1)
        max_seconds = try(function.backoff.max_seconds, 60)
      }
      retention_days = local.limits.retention_days
    }
  }

  # The subscriptions of functions that are not there any more, as they were but for what may change without harm.
  # What waits is kept as long as it can be.
  retired = {
    for name, function in var.retired_functions : name => {
      topic                = function.topic
      files_dead_letters   = function.topic == local.dead_letter_topic
      ordered              = function.ordered
      dependencies         = []
      ack_deadline_seconds = 600
      backoff              = { min_seconds = 1, max_seconds = 60 }
      retention_days       = 31
    }
  }

  http_functions = {
    for name, function in try(local.topology.http_functions, {}) : name => {
      accepts     = try(function.accepts, [])
      access      = try(function.access, "iam")
      concurrency = try(function.concurrency, 80)
      # Time to say that it took too long, within what Cloud Run takes.
      timeout_seconds = min(3600, ceil(try(function.timeout_seconds, 60)) + 5)
    }
  }

  schedules = {
    for name, schedule in try(local.topology.schedules, {}) : name => {
      cron     = schedule.cron
      timezone = try(schedule.timezone, "Etc/UTC")
      topic    = schedule.topic
      data     = jsonencode(try(schedule.data, {}))
    }
  }

  # By function, as `tidegate bundle` names them.
  bundles = jsondecode(file(var.bundles_manifest))
}
