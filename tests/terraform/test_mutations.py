"""The rules find the faults in a configuration that is full of them."""

from pathlib import Path

import pytest

from tests.terraform import rules
from tests.terraform.conftest import Application
from tests.terraform.plan import Plan
from tests.terraform.rules import Rule
from tests.terraform.terraform import Configuration, TerraformFailed

FUNCTION, SUBSCRIPTION = "modules/function/main.tf", "modules/function/subscription.tf"
FIRESTORE = "modules/firestore/main.tf"
SIGNED = """\
    oidc_token {
      service_account_email = var.push_account
      audience              = google_cloudfunctions2_function.this.service_config[0].uri
    }
"""
NAMED = 'for_each = toset(var.subscription.backstop ? ["dead-letters"] : [])'

# Each changes another attribute, so all of them go into one plan, which takes seconds. What the provider
# accepts and would do harm: the rule, the change, and how the rule's complaint begins.
MUTATIONS = [
    (rules.names, "topology.tf", "[local.dead_letter_topic]))", '[local.dead_letter_topic, "stray"]))', "topics:"),
    (rules.keys, SUBSCRIPTION, NAMED, "count = var.subscription.backstop ? 1 : 0", 'module.function["find_parcel"]'),
    (rules.retries, "topology.tf", "max_seconds, 60)", "max_seconds, 600)", "weigh_parcel: retry policy"),
    (rules.lifetimes, SUBSCRIPTION, 'ttl = ""', 'ttl = "2678400s"', "dead_letters: expiration policy"),
    (rules.lifetimes, "topology.tf", "retention_days, 7)", "retention_days, 1)", "find_parcel: retention"),
    (rules.pushes, SUBSCRIPTION, SIGNED, "", "find_parcel: pushes are not signed"),
    (rules.pushes, FUNCTION, "roles/run.invoker", "roles/run.viewer", "find_parcel: nobody may call it"),
    (
        rules.pushes,
        "main.tf",
        "roles/iam.serviceAccountTokenCreator",
        "roles/iam.serviceAccountUser",
        "Pub/Sub may not",
    ),
    (rules.backstops, SUBSCRIPTION, "roles/pubsub.subscriber", "roles/pubsub.viewer", "find_parcel: Pub/Sub may take"),
    (rules.backstops, SUBSCRIPTION, "[var.subscription.dead_letter_topic]", "[]", "find_parcel: deliveries before"),
    (rules.backstops, "main.tf", "{ pubsub = local.pubsub_agent }", "{}", "topics that Pub/Sub may forward to"),
    (rules.filters, "main.tf", "targeted = !each.value.files_dead_letters", "targeted = true", "dead_letters: filter"),
    (rules.deadlines, "topology.tf", " + 0.999", "", "find_parcel: ack deadline"),
    (rules.capacity, "topology.tf", "concurrency, 16)", "concurrency, 1)", "weigh_parcel: concurrency"),
    (rules.capacity, "main.tf", "= each.value.ordered", "= false", "find_parcel: ordered"),
    (rules.publishers, "topology.tf", ": function.emits,", ": [],", "weigh_parcel: may publish"),
    (rules.environments, FUNCTION, "}_URL", "}_ADDRESS", "find_parcel: environment"),
    (rules.ledger, FIRESTORE, "  ttl_config {}\n", "", "fields:"),
    (rules.ledger, FIRESTORE, "DELETE_PROTECTION_ENABLED", "DELETE_PROTECTION_DISABLED", "the database"),
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
    assert {each[0] for each in MUTATIONS} == set(rules.RULES)


def test_a_stale_bundle_is_not_deployed(configuration: Configuration, small: Application, tmp_path: Path) -> None:
    """A zip that is not the one of its manifest ends the plan, with what to do."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(small.manifest_path.read_text())
    (tmp_path / "bundle.zip").write_bytes(b"another bundle")
    with pytest.raises(TerraformFailed, match="make bundle"):
        configuration.plan(small.topology_path, manifest)
