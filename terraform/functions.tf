# Functions of both kinds, and what each of them may do.

locals {
  emitted = toset(flatten([for function in values(local.functions) : function.emits]))

  # The events of the application that a function publishes. Two functions publish for the others, so that nobody
  # else needs the right to: what files dead letters, what a function had committed when it died before it could
  # publish that; what advances jobs, the events that end a gathering or undo a part. All of that is emitted by
  # some function, so these two need no topic that none emits.
  emits = {
    for name, function in local.functions : name =>
    function.files_dead_letters || function.advances_jobs ? local.emitted : toset(function.emits)
  }

  # Besides, every function publishes its own dead letters and that a part of a job has settled; what advances jobs,
  # that one has come to its end; and what has dependencies, that one is cut off. An HTTP function publishes what is
  # submitted to it.
  publishes = merge(
    {
      for name, function in local.functions : name => setunion(
        local.emits[name],
        [local.dead_letter_topic],
        setintersection(local.topics, concat(
          [local.advanced_topic],
          function.advances_jobs ? [local.settled_topic] : [],
          length(function.dependencies) > 0 ? [local.woken_topic] : [],
        )),
      )
    },
    { for name, function in local.http_functions : name => toset(function.accepts) },
  )

  # Pub/Sub calls the functions of events; an HTTP function that asks for a key itself has to be reached first.
  invokers = merge(
    { for name in keys(local.functions) : name => { pubsub = google_service_account.push.member } },
    {
      for name, function in local.http_functions : name =>
      function.access == "iam" ? { for member in var.gateway_invokers : member => member } : { everyone = "allUsers" }
    },
  )

  # What pauses functions that have dependencies may change how messages are pushed to them, and to nobody else.
  # Whatever it took off is put back by the next apply; within a minute it takes that off again, if it still is to be.
  governors = [for name, function in local.functions : name if function.governs]

  # What both kinds are deployed with, in one form.
  deployed = merge(
    {
      for name, function in local.functions : name => {
        concurrency     = function.concurrency
        timeout_seconds = function.ack_deadline_seconds # the runtime ends a handler earlier, and records that
        dependencies    = function.dependencies
        # Only from inside: Pub/Sub's pushes to this project count as such.
        ingress = "ALLOW_INTERNAL_ONLY"
        writes  = true
        delays  = length(local.emits[name]) > 0
      }
    },
    {
      for name, function in local.http_functions : name => {
        concurrency     = function.concurrency
        timeout_seconds = function.timeout_seconds
        dependencies    = []
        ingress         = "ALLOW_ALL"
        writes          = length(function.accepts) > 0 # a job for what it accepts; else it only shows what there is
        delays          = false
      }
    },
  )
}

module "function" {
  source   = "./modules/function"
  for_each = local.deployed

  project       = var.project
  region        = var.region
  application   = local.application
  name          = each.key
  database      = var.database
  max_instances = var.max_instances

  bundle = try({
    path   = "${dirname(var.bundles_manifest)}/${local.bundles[each.key].file}"
    sha256 = local.bundles[each.key].sha256
  }, null)
  sources_bucket = google_storage_bucket.sources.name
  build_account  = google_service_account.build.id

  concurrency     = each.value.concurrency
  timeout_seconds = each.value.timeout_seconds
  dependency_urls = { for name, url in var.dependency_urls : name => url if contains(each.value.dependencies, name) }

  ingress   = each.value.ingress
  invokers  = local.invokers[each.key]
  writes    = each.value.writes
  publishes = { for topic in local.publishes[each.key] : topic => module.topic[topic].id }
  tasks     = each.value.delays ? { queue = module.tasks.queue, account = module.tasks.account } : null
  secrets = {
    for variable, function in local.secrets : variable => {
      id      = google_secret_manager_secret.this[variable].id
      secret  = google_secret_manager_secret.this[variable].secret_id
      version = lookup(var.secret_versions, variable, "latest")
    } if function == each.key
  }

  # A build before these grants would fail.
  depends_on = [
    google_project_iam_member.build,
    google_project_service.this,
  ]
}

module "subscription" {
  source   = "./modules/subscription"
  for_each = local.functions

  project  = var.project
  function = each.key
  topic    = module.topic[each.value.topic].id
  endpoint = module.function[each.key].uri

  ordered              = each.value.ordered
  backoff              = each.value.backoff
  ack_deadline_seconds = each.value.ack_deadline_seconds
  retention_days       = local.limits.retention_days
  # What cannot be filed has nowhere else to go: it is delivered until it is filed.
  backstop = each.value.files_dead_letters ? null : {
    topic          = module.topic[local.dead_letter_topic].id
    max_deliveries = local.limits.max_deliveries
  }
  # A redriven event is for one function; a dead letter keeps that attribute, but is for who files it.
  targeted = !each.value.files_dead_letters

  push_account = google_service_account.push.email
  pubsub_agent = local.pubsub_agent
  editors      = { for name in local.governors : name => module.function[name].member if length(each.value.dependencies) > 0 }

  # A push before this grant would fail.
  depends_on = [google_service_account_iam_member.push_token]
}

# To put a push configuration back takes the right to have its pushes signed.
resource "google_service_account_iam_member" "governor" {
  for_each = toset(local.governors)

  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountUser"
  member             = module.function[each.key].member
}
