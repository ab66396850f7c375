"""The rules find the faults in a configuration that is full of them."""

from pathlib import Path

import pytest

from tests.terraform.conftest import Application
from tests.terraform.plan import Plan
from tests.terraform.rules import RULES, Rule, documents, functions, grants, resources, subscriptions, times
from tests.terraform.terraform import Configuration, TerraformFailed

FUNCTION, SUBSCRIPTION = "modules/function/main.tf", "modules/subscription/main.tf"
FIRESTORE, INDEXES = "modules/firestore/main.tf", "modules/firestore/indexes.tf"
TASKS, SCHEDULES = "modules/tasks/main.tf", "modules/schedules/main.tf"
SIGNED = """\
    oidc_token {
      service_account_email = var.push_account
      audience              = var.endpoint
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

# Each changes another attribute, so all of them go into one plan, which takes seconds. What the provider
# accepts and would do harm: the rule, the change, and how the rule's complaint begins.
MUTATIONS: list[tuple[Rule, str, str, str, str]] = [
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
    (functions.deadlines, "topology.tf", " + 0.999", "", "find_parcel: timeout"),
    (functions.environments, FUNCTION, "}_URL", "}_ADDRESS", "find_parcel: environment"),
    (functions.environments, FUNCTION, "TIDEGATE_TASKS_QUEUE =", "TASKS_QUEUE =", "weigh_parcel: what it is told"),
    (functions.secrets, "functions.tf", "if function == each.key", "", "find_parcel: secrets"),
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
    (documents.expiry, INDEXES, "  ttl_config {}\n", "", "what expires"),
    (documents.indexes, INDEXES, '["units", "settled"]', '["settled", "closed"]', "indexes of several fields"),
    (documents.indexes, "queries.tf", 'day = "ASCENDING", ', "", "indexes:"),
    (documents.protection, FIRESTORE, "DELETE_PROTECTION_ENABLED", "DELETE_PROTECTION_DISABLED", "the database"),
]


@pytest.fixture(scope="module")
def faulty(configuration: Configuration, small: Application, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan of a configuration with every mutation."""
    copy = configuration.copied(tmp_path_factory.mktemp("mutated"))
    for _, path, old, new, _ in MUTATIONS:
        copy.replace(path, old, new)
    return small.plan(copy)


@pytest.mark.parametrize(("rule", "complaint"), [(each[0], each[-1]) for each in MUTATIONS])
def test_a_rule_finds_its_fault(rule: Rule, complaint: str, faulty: Plan, small: Application) -> None:
    """Every rule complains of the change that breaks it."""
    assert [fault for fault in rule(faulty, small.topology) if fault.startswith(complaint)] != []


def test_every_rule_has_been_broken() -> None:
    """No rule is believed without having seen it fail."""
    assert {each[0] for each in MUTATIONS} == set(RULES)


def test_a_stale_bundle_is_not_deployed(configuration: Configuration, small: Application, tmp_path: Path) -> None:
    """A zip that is not the one of its manifest ends the plan, with what to do."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(small.manifest_path.read_text())
    (tmp_path / "bundle.zip").write_bytes(b"another bundle")
    with pytest.raises(TerraformFailed, match="make bundle"):
        configuration.plan(small.topology_path, manifest)


def test_a_front_door_for_some_is_not_opened_to_everybody(configuration: Configuration, bare: Application) -> None:
    """What the topology closes, no variable opens."""
    with pytest.raises(TerraformFailed, match="IAM members"):
        configuration.plan(bare.topology_path, bare.manifest_path, gateway_invokers=["allUsers"])


def test_a_version_belongs_to_a_secret(configuration: Configuration, bare: Application) -> None:
    """A version that no function would read is not passed over in silence."""
    with pytest.raises(TerraformFailed, match="no function reads from a secret"):
        configuration.plan(bare.topology_path, bare.manifest_path, secret_versions={"TIDEGATE_WEBHOOK_SECRET": "2"})
