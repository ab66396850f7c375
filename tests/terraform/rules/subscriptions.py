"""Rules about subscriptions, and what Pub/Sub needs for them."""

from collections.abc import Iterator

from tests.terraform.plan import Plan
from tests.terraform.rules.rule import differs, files_dead_letters
from tests.terraform.terraform import PROJECT_NUMBER
from tidegate.function_config import deployed_name
from tidegate.messages import TARGET
from tidegate.topology import Topology

AGENT = f"serviceAccount:service-{PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"


def backstops(plan: Plan, topology: Topology) -> Iterator[str]:
    """Every subscription but the dead letters' forwards what it cannot deliver, and Pub/Sub may do so."""
    retired = {name: each["topic"] for name, each in plan.options("retired_functions").items()}
    topics = retired | {name: function.topic for name, function in topology.functions.items()}
    for name, subscription in {**plan.subscriptions, **plan.retired}.items():
        forwards = subscription.block("dead_letter_policy").get("max_delivery_attempts")
        wanted = None if topics[name] == topology.dead_letter_topic else topology.limits.max_deliveries
        yield from differs(f"{name}: deliveries before it forwards", forwards, wanted)
        grants = plan.of(
            "pubsub_subscription_iam_member",
            subscription=deployed_name(name),
            role="roles/pubsub.subscriber",
            member=AGENT,
        )
        yield from differs(f"{name}: Pub/Sub may take from it", any(grants), wanted is not None)
    agents = {each.values["topic"] for each in plan.of("pubsub_topic_iam_member", member=AGENT)}
    yield from differs("topics that Pub/Sub may forward to", agents, {topology.dead_letter_topic})


def backlogs(plan: Plan, topology: Topology) -> Iterator[str]:
    """Dead letters have somebody who keeps them, and what waited for a retired function waits on."""
    topics = {topology.functions[name].topic for name in plan.subscriptions}
    yield from differs("who keeps dead letters", topology.dead_letter_topic in topics, True)
    for name, function in plan.options("retired_functions").items():
        values = plan.retired[name].values
        kept = (values["push_config"], values["enable_message_ordering"], values["message_retention_duration"])
        yield from differs(f"{name}: what waits", kept, ([], bool(function.get("ordered")), "2678400s"))


def deadlines(plan: Plan, topology: Topology) -> Iterator[str]:
    """Pub/Sub waits for the lease, and whoever waits for another waits longer."""
    for name, subscription in plan.subscriptions.items():
        wanted = topology.ack_deadline_seconds(name)
        yield from differs(f"{name}: ack deadline", subscription.values["ack_deadline_seconds"], wanted)
        service = plan.functions[name].block("service_config")["timeout_seconds"]
        if not topology.functions[name].timeout_seconds <= service <= wanted <= 600:
            yield f"{name}: handler, service, ack deadline and 600 s are not each within the next"


def filters(plan: Plan, topology: Topology) -> Iterator[str]:
    """A redriven event reaches its own function; what files dead letters gets them all."""
    for name, subscription in plan.subscriptions.items():
        own = f'NOT attributes:{TARGET} OR attributes.{TARGET} = "{name}"'
        wanted = None if files_dead_letters(topology, name) else own
        yield from differs(f"{name}: filter", subscription.values["filter"], wanted)


def lifetimes(plan: Plan, topology: Topology) -> Iterator[str]:
    """No subscription expires, and each keeps messages as long as the topology says."""
    for each in plan.of("pubsub_subscription"):
        yield from differs(f"{each.owner}: expiration policy", each.block("expiration_policy"), {"ttl": ""})
    for name, subscription in plan.subscriptions.items():
        retention = f"{max(600, topology.limits.retention_days * 86400):g}s"
        yield from differs(f"{name}: retention", subscription.values["message_retention_duration"], retention)


def order(plan: Plan, topology: Topology) -> Iterator[str]:
    """Events come in their order where the topology says so."""
    for name, subscription in plan.subscriptions.items():
        wanted = topology.functions[name].ordered
        yield from differs(f"{name}: ordered", subscription.values["enable_message_ordering"], wanted)


def pushes(plan: Plan, _: Topology) -> Iterator[str]:
    """Every push goes to its function and is signed, and Pub/Sub may sign."""
    for name, subscription in plan.subscriptions.items():
        push, unknown = subscription.block("push_config"), subscription.unknown["push_config"][0]
        if not push.get("oidc_token"):
            yield f"{name}: pushes are not signed"
        elif not (unknown.get("push_endpoint") and unknown["oidc_token"][0].get("audience")):
            yield f"{name}: address and audience are not those of its service"
    if not any(plan.of("service_account_iam_member", role="roles/iam.serviceAccountTokenCreator", member=AGENT)):
        yield "Pub/Sub may not sign its pushes"


def retries(plan: Plan, topology: Topology) -> Iterator[str]:
    """Every subscription waits between deliveries, and a function's as long as the topology says."""
    for each in plan.of("pubsub_subscription"):
        if not each.block("retry_policy"):
            yield f"{each.owner}: has no retry policy"
    for name, subscription in plan.subscriptions.items():
        backoff = topology.functions[name].backoff
        wanted = {"minimum_backoff": f"{backoff.min_seconds:g}s", "maximum_backoff": f"{backoff.max_seconds:g}s"}
        yield from differs(f"{name}: retry policy", subscription.block("retry_policy"), wanted)
