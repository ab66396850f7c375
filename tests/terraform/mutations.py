"""Changes to the configuration that the provider accepts and that would do harm.

Each is of another place, so that many go into one copy: the rule that has to find it, the file, the change, and how
the rule's complaint begins. What would hide another one goes into the second copy.
"""

from tests.terraform.rules import (
    Rule,
    archives,
    documents,
    functions,
    grants,
    observability,
    resources,
    subscriptions,
    times,
)

Mutation = tuple[Rule, str, str, str, str]

FUNCTION, SUBSCRIPTION = "modules/function/main.tf", "modules/subscription/main.tf"
FIRESTORE, INDEXES = "modules/firestore/main.tf", "modules/firestore/indexes.tf"
TASKS, SCHEDULES = "modules/tasks/main.tf", "modules/schedules/main.tf"
TOPIC, ARCHIVE, INGESTION = "modules/topic/main.tf", "modules/topic/archive.tf", "modules/topic/ingestion.tf"
METRICS, ALERTS, DASHBOARD = (f"modules/observability/{each}.tf" for each in ("main", "alerts", "dashboard"))
SIGNED = """\
      oidc_token {
        service_account_email = push_config.value.account
        audience              = push_config.value.endpoint
      }
"""
NAMED = 'for_each = toset(var.backstop == null ? [] : ["dead-letters"])'
SECRET_VERSION = """\
resource "google_secret_manager_secret_version" "known" {
  secret      = google_secret_manager_secret.this["TIDEGATE_WEBHOOK_SECRETS"].id
  secret_data = "known to all"
}

locals {
"""
AUDIENCE = 'audience = "https://example.com"'
EVERYBODY = 'pubsub = "allUsers"'
UNFILED = "{ for name, each in merge(local.functions, local.retired) : name => each if !each.files_dead_letters }"
SELDOM = '= { for name, each in var.schedules : name => each if name != "every_noon" }'
# Declared where locals follow.
NETWORK = """\
  x = ""
}

resource "google_compute_network" "stray" {
  name = "stray"
}

locals {
  known_secrets"""
RETRIED = """\
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
"""
FORGOTTEN = """\
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 90
    }
    action {
      type = "Delete"
    }
  }
"""

FIRST: list[Mutation] = [
    (
        resources.names,
        "topology.tf",
        "[local.dead_letter_topic]))",
        '[local.dead_letter_topic, "stray"]))',
        "topics:",
    ),
    (
        resources.keys,
        SUBSCRIPTION,
        NAMED,
        "count = var.backstop == null ? 0 : 1",
        'module.subscription["find_parcel"]',
    ),
    (
        resources.services,
        "main.tf",
        '    "cloudtasks.googleapis.com",\n',
        "",
        "google_cloud_tasks_queue: cloudtasks is not on",
    ),
    (functions.capacity, "topology.tf", "concurrency, 16)", "concurrency, 1)", "weigh_parcel: concurrency"),
    (functions.capacity, "topology.tf", "concurrency, 80)", "concurrency, 1)", "counter: concurrency"),
    (functions.deadlines, "topology.tf", ")) + 5)", ")))", "tracking: timeout"),
    (
        subscriptions.deadlines,
        "functions.tf",
        "_deadline_seconds #",
        "_deadline_seconds + 5 #",
        "weigh_parcel: handler",
    ),
    (functions.deadlines, "topology.tf", " + 0.999", "", "find_parcel: timeout"),
    (functions.environments, FUNCTION, "}_URL", "}_ADDRESS", "find_parcel: environment"),
    (functions.environments, FUNCTION, "TIDEGATE_TASKS_QUEUE =", "TASKS_QUEUE =", "weigh_parcel: what it is told"),
    (
        functions.secrets,
        "functions.tf",
        "for variable in local.secrets[each.key]",
        "for variable in keys(google_secret_manager_secret.this)",
        "find_parcel: secrets",
    ),
    (functions.secrets, FUNCTION, "secretmanager.secretAccessor", "secretmanager.viewer", "who may read which secret"),
    (functions.secrets, "secrets.tf", "deletion_protection = true", "deletion_protection = false", "protected"),
    (functions.secrets, "secrets.tf", "locals {\n", SECRET_VERSION, "the value of a secret"),
    (grants.callers, "topology.tf", 'access, "iam")', 'access, "public")', "counter: who calls it"),
    (grants.callers, "functions.tf", 'ingress = "ALLOW_INTERNAL_ONLY"', 'ingress = "ALLOW_ALL"', "find_parcel: from"),
    (grants.callers, FUNCTION, "roles/run.invoker", "roles/run.viewer", "webhooks: who calls it"),
    (grants.databases, "functions.tf", "length(function.accepts) > 0", "true", "tracking: roles"),
    (grants.databases, FUNCTION, "databases/${var.database}\\", "databases/\\", "find_parcel: condition"),
    (
        grants.governors,
        "functions.tf",
        "module.function[name].member if length(each.value.dependencies) > 0",
        "module.function[name].member",
        "subscriptions that",
    ),
    (grants.governors, "functions.tf", "for_each = toset(local.governors)", "for_each = toset([])", "who may have"),
    (
        grants.publishers,
        "functions.tf",
        "length(function.dependencies) > 0 ? [local.woken_topic] : []",
        "[]",
        "find_parcel: may publish",
    ),
    (grants.publishers, "functions.tf", ": toset(function.emits)", ": toset([])", "weigh_parcel: may publish"),
    (grants.publishers, "functions.tf", "|| function.advances_jobs", "", "advance_jobs: may publish"),
    (grants.publishers, "functions.tf", "=> toset(function.accepts) }", "=> toset([]) }", "counter: may publish"),
    (grants.publishers, "main.tf", "for topic in local.emitted", "for topic in local.topics", "what may be published"),
    (grants.tasks, FUNCTION, "roles/cloudtasks.enqueuer", "roles/cloudtasks.viewer", "who may delay"),
    (grants.tasks, FUNCTION, "roles/iam.serviceAccountUser", "roles/iam.serviceAccountViewer", "who may use"),
    (subscriptions.retries, "topology.tf", "max_seconds, 60)", "max_seconds, 600)", "weigh_parcel: retry policy"),
    (subscriptions.lifetimes, SUBSCRIPTION, 'ttl = ""', 'ttl = "2678400s"', "dead_letters: expiration policy"),
    (subscriptions.lifetimes, "topology.tf", "retention_days, 7)", "retention_days, 1)", "find_parcel: retention"),
    (subscriptions.pushes, SUBSCRIPTION, SIGNED, "", "find_parcel: pushes are not signed"),
    (
        subscriptions.pushes,
        "main.tf",
        "roles/iam.serviceAccountTokenCreator",
        "roles/iam.serviceAccountUser",
        "Pub/Sub may not",
    ),
    (
        subscriptions.backstops,
        SUBSCRIPTION,
        "roles/pubsub.subscriber",
        "roles/pubsub.viewer",
        "find_parcel: Pub/Sub may take",
    ),
    (
        subscriptions.backstops,
        SUBSCRIPTION,
        "var.backstop == null ? [] : [var.backstop]",
        "[for each in [var.backstop] : each if false]",
        "find_parcel: deliveries before",
    ),
    (subscriptions.backstops, "main.tf", "{ pubsub = local.pubsub_agent }", "{}", "topics that Pub/Sub may forward to"),
    (
        subscriptions.filters,
        "functions.tf",
        "targeted = !each.value.files_dead_letters",
        "targeted = true",
        "dead_letters: filter",
    ),
    (
        subscriptions.deadlines,
        "functions.tf",
        "= each.value.ack_deadline_seconds",
        "= 10",
        "find_parcel: ack deadline",
    ),
    (subscriptions.order, "functions.tf", "= each.value.ordered", "= false", "find_parcel: ordered"),
    (times.delays, TASKS, "= -1", "= 100", "limits of attempts"),
    (times.schedules, "topology.tf", '"Etc/UTC"', '"Europe/Berlin"', "monday_morning: times"),
    (times.schedules, "topology.tf", "jsonencode(try(schedule.data, {}))", 'jsonencode("")', "every_noon: data"),
    (times.schedules, SCHEDULES, "application/json", "text/plain", "every_noon: attributes"),
    (times.schedules, SCHEDULES, "retry_count          = 5", "retry_count = 0", "every_noon: tries again"),
    (resources.buckets, "main.tf", '= "enforced"', '= "inherited"', "google_storage_bucket.sources: access"),
    (resources.buckets, "main.tf", 'action = "DELETE"', 'action = "KEEP"', "google_artifact_registry_repository"),
    (functions.capacity, FUNCTION, "= var.memory", '= "512Mi"', "weigh_parcel: size"),
    (
        functions.capacity,
        "functions.tf",
        "coalesce(local.options[each.key].max_instances, var.max_instances)",
        "var.max_instances",
        "weigh_parcel: instances",
    ),
    (functions.networks, FUNCTION, "_${var.vpc.egress}", "_ALL_TRAFFIC", "find_parcel: what goes there"),
    (functions.networks, FUNCTION, "= direct_vpc_network_interface.value.tags", "= []", "find_parcel: network"),
    (grants.allowed, "main.tf", "roles/storage.objectViewer", "roles/editor", "google_project_iam_member.build["),
    (
        grants.allowed,
        TASKS,
        "roles/pubsub.publisher",
        "roles/pubsub.admin",
        "module.tasks.google_pubsub_topic_iam_member",
    ),
    (subscriptions.backlogs, "topology.tf", "= function.ordered", "= false", "sort_parcel: what waits"),
    (subscriptions.lifetimes, ARCHIVE, 'ttl = ""', 'ttl = "2678400s"', "parcel.sent: expiration policy"),
    (subscriptions.retries, ARCHIVE, RETRIED, "", "parcel.lost: has no retry policy"),
    (archives.archives, ARCHIVE, '"2678400s" #', '"604800s" #', "parcel.sent: how long"),
    (archives.archives, ARCHIVE, '"300s"', '"301s"', "parcel.lost: files that stay open"),
    (archives.ingestions, INGESTION, "(local.ingestion) <= 30", "(local.ingestion) <= 300", "accounts that can be"),
    (
        resources.names,
        FUNCTION,
        "entry_point     = var.name",
        "entry_point = local.deployed_name",
        "find_parcel: entry",
    ),
    (resources.services, "secrets.tf", "  known_secrets", NETWORK, "google_compute_network: nobody"),
    (observability.metrics, METRICS, "= labels.key", "= upper(labels.key)", "latency: labels"),
    (archives.archives, "archive.tf", "roles/storage.legacyBucketReader", "roles/storage.objectViewer", "what Pub/Sub"),
    (
        archives.ingestions,
        INGESTION,
        "roles/iam.serviceAccountTokenCreator",
        "roles/iam.serviceAccountUser",
        "accounts of ingestions",
    ),
    (archives.ingestions, INGESTION, "roles/pubsub.publisher", "roles/pubsub.viewer", "ingestions that may publish"),
    (
        archives.ingestions,
        TOPIC,
        "aws_kinesis.value.stream_arn",
        "aws_kinesis.value.consumer_arn",
        "parcel.lost: source",
    ),
    (archives.retention, TOPIC, "* 86400}s", "* 3600}s", "parcel.sent: retention"),
    (archives.schemas, TOPIC, "= var.schema.encoding", '= "BINARY"', "parcel.sent: encoding"),
    (
        archives.tables,
        ARCHIVE,
        '"message_id", type = "STRING"',
        '"message_id", type = "INTEGER"',
        "parcel.sent: columns",
    ),
    (archives.tables, ARCHIVE, "* 86400000", "* 86400", "parcel.sent: forgets"),
    (archives.tables, ARCHIVE, "deletion_protection = true", "deletion_protection = false", "parcel.sent: protected"),
    (archives.tables, ARCHIVE, "roles/bigquery.dataEditor", "roles/bigquery.dataViewer", "parcel.sent: who writes"),
    (
        observability.metrics,
        METRICS,
        "EXTRACT(jsonPayload.${each.value.field})",
        "EXTRACT(jsonPayload.emitted)",
        "cut_off: adds",
    ),
    (observability.metrics, METRICS, "(jsonPayload.verdict)", "(jsonPayload.outcome)", "deliveries: fields"),
    (observability.metrics, METRICS, "jsonPayload.latency_ms", "jsonPayload.latency", "latency: fields"),
    (observability.metrics, METRICS, '\\"busy\\"', '\\"occupied\\"', "contention: verdicts"),
    (observability.alerts, ALERTS, "    oldest_unacked = {", "    oldest = {", "alerts:"),
    (observability.alerts, ALERTS, "_dead_letter_message_count", "_dead_letters", "dead_letters: pubsub"),
    (observability.alerts, ALERTS, "retry|dead", "retry|error", "error_ratio: verdicts"),
    (observability.alerts, ALERTS, "by (dependency)", "by (host)", "breaker_open: labels"),
    (observability.alerts, ALERTS, "docs/operating.md#", "the manual, ", "contention: says nowhere"),
    (observability.alerts, ALERTS, "= concat(", "= true ? [] : concat(", "contention: tells nobody"),
    (
        observability.dashboards,
        DASHBOARD,
        "run_googleapis_com:request_count",
        "run_googleapis_com:requests",
        "Requests",
    ),
    (observability.dashboards, DASHBOARD, "floor(place / 2) * 12", "0", "charts in one place"),
    (observability.dashboards, DASHBOARD, "if value != 0", "if value != null", "zeros that are sent"),
    (documents.expiry, INDEXES, "  ttl_config {}\n", "", "what expires"),
    (documents.indexes, INDEXES, '["units", "settled"]', '["settled", "closed"]', "indexes of several fields"),
    (documents.indexes, "queries.tf", 'day = "ASCENDING", ', "", "indexes:"),
    (documents.protection, FIRESTORE, "DELETE_PROTECTION_ENABLED", "DELETE_PROTECTION_DISABLED", "the database"),
]

SECOND: list[Mutation] = [
    (resources.names, SUBSCRIPTION, 'replace(var.function, "_", "-")', "var.function", "subscriptions:"),
    (resources.names, FUNCTION, "name     = local.deployed_name", "name = var.name", "functions:"),
    (resources.buckets, "main.tf", FORGOTTEN, "", "google_storage_bucket.sources: nothing ends"),
    (
        subscriptions.pushes,
        SUBSCRIPTION,
        "audience              = push_config.value.endpoint",
        AUDIENCE,
        "find_parcel: address",
    ),
    (
        subscriptions.backlogs,
        "functions.tf",
        "merge(local.functions, local.retired)",
        UNFILED,
        "who keeps dead letters",
    ),
    (grants.callers, "functions.tf", '"ALLOW_ALL"', '"ALLOW_INTERNAL_ONLY"', "counter: from where"),
    (
        grants.callers,
        "functions.tf",
        "pubsub = google_service_account.push.member",
        EVERYBODY,
        'module.function["find_parcel"]',
    ),
    (grants.governors, "functions.tf", "name if function.governs", "name if function.advances_jobs", "who may change"),
    (
        archives.archives,
        "archive.tf",
        "if options.archive != null",
        'if options.archive == "bigquery"',
        "archived topics",
    ),
    (archives.ingestions, "main.tf", "try(var.topic_options[each.key].ingestion, null)", "null", "parcel.lost: is fed"),
    (archives.schemas, "main.tf", "try(local.schemas[each.key], null)", "null", "topics with a schema"),
    (times.schedules, SCHEDULES, "= var.schedules", SELDOM, "schedules:"),
    (observability.metrics, METRICS, '"EXTRACT(jsonPayload.${each.value.field})"', "null", "deliveries: counts lines"),
    (observability.metrics, METRICS, ' AND jsonPayload.action=\\"delivery\\""', '"', "deliveries: counts other lines"),
    (observability.alerts, ALERTS, "= var.alerts.emails", "= toset([])", "emails"),
    (observability.alerts, ALERTS, '}[10m])) > 0"', '}[10m]))"', "breaker_open: is always true"),
    (
        observability.alerts,
        ALERTS,
        '"ledger-contention"',
        '"contention"',
        "contention: docs/operating.md has no section",
    ),
    (observability.alerts, METRICS, '\\"pubsub_subscription\\"', '\\"pubsub_topic\\"', "oldest_unacked: pubsub"),
    (
        observability.dashboards,
        DASHBOARD,
        '"max by (subscription_id) (${local.waiting})"',
        '"vector(1)"',
        "Oldest message",
    ),
]
# What stands in the way of one of these.
WAY = ("outputs.tf", "module.subscription[name].name", 'try(module.subscription[name].name, "")')

COPIES = {"first": FIRST, "second": SECOND}
