"""What must hold of every plan: values and connections that no provider's schema knows.

Each rule returns its faults. `test_mutations.py` shows that each of them can find one.
"""

from collections.abc import Callable, Iterator

from tests.terraform.plan import Plan
from tests.terraform.terraform import PROJECT_NUMBER
from tidegate.adapters.record_document import LEDGER
from tidegate.adapters.record_pieces import PIECES
from tidegate.dependencies import url_variable
from tidegate.messages import TARGET
from tidegate.topology import Topology, deployed_name

Rule = Callable[[Plan, Topology], Iterator[str]]
AGENT = f"serviceAccount:service-{PROJECT_NUMBER}@gcp-sa-pubsub.iam.gserviceaccount.com"


def names(plan: Plan, topology: Topology) -> Iterator[str]:
    """Topics, functions and subscriptions are those of the topology, and named as it says."""
    deployed = {deployed_name(name) for name in topology.functions}
    topics = {*topology.topics, topology.dead_letter_topic}
    for kind, wanted in {"topic": topics, "subscription": deployed}.items():
        yield from _differs(f"{kind}s", {each.values["name"] for each in plan.of(f"pubsub_{kind}")}, wanted)
    yield from _differs("functions", {each.values["name"] for each in plan.functions.values()}, deployed)
    for name, function in plan.functions.items():
        yield from _differs(f"{name}: entry point", function.block("build_config")["entry_point"], name)


def keys(plan: Plan, _: Topology) -> Iterator[str]:
    """No resource is known by its place in a list: what comes before it would move it."""
    return (f"{each.address} has a number as its key" for each in plan.resources if isinstance(each.key, int))


def retries(plan: Plan, topology: Topology) -> Iterator[str]:
    """Every subscription waits between deliveries as long as the topology says."""
    for name, subscription in plan.subscriptions.items():
        backoff = topology.functions[name].backoff
        wanted = {"minimum_backoff": f"{backoff.min_seconds:g}s", "maximum_backoff": f"{backoff.max_seconds:g}s"}
        yield from _differs(f"{name}: retry policy", subscription.block("retry_policy"), wanted)


def lifetimes(plan: Plan, topology: Topology) -> Iterator[str]:
    """No subscription expires, and each keeps messages as long as the topology says."""
    for name, subscription in plan.subscriptions.items():
        yield from _differs(f"{name}: expiration policy", subscription.block("expiration_policy"), {"ttl": ""})
        retention = f"{max(600, topology.limits.retention_days * 86400):g}s"
        yield from _differs(f"{name}: retention", subscription.values["message_retention_duration"], retention)


def pushes(plan: Plan, topology: Topology) -> Iterator[str]:
    """Every push is signed, the function lets only the signer in, and Pub/Sub may sign."""
    for name, subscription in plan.subscriptions.items():
        push, unknown = subscription.block("push_config"), subscription.unknown["push_config"][0]
        if not push.get("oidc_token"):
            yield f"{name}: pushes are not signed"
        elif not (unknown["push_endpoint"] and unknown["oidc_token"][0]["audience"]):
            yield f"{name}: address and audience are not those of its service"
        if not any(plan.of("cloud_run_service_iam_member", service=deployed_name(name), role="roles/run.invoker")):
            yield f"{name}: nobody may call it"
    for name in topology.functions.keys() - plan.subscriptions.keys():
        yield f"{name}: nothing is pushed to it"
    if not any(plan.of("service_account_iam_member", role="roles/iam.serviceAccountTokenCreator", member=AGENT)):
        yield "Pub/Sub may not sign its pushes"


def backstops(plan: Plan, topology: Topology) -> Iterator[str]:
    """Every subscription but the dead letters' forwards what it cannot deliver, and Pub/Sub may do so."""
    for name, subscription in plan.subscriptions.items():
        forwards = subscription.block("dead_letter_policy").get("max_delivery_attempts")
        wanted = None if _files_dead_letters(topology, name) else topology.limits.max_deliveries
        yield from _differs(f"{name}: deliveries before it forwards", forwards, wanted)
        grants = plan.of(
            "pubsub_subscription_iam_member",
            subscription=deployed_name(name),
            role="roles/pubsub.subscriber",
            member=AGENT,
        )
        yield from _differs(f"{name}: Pub/Sub may take from it", any(grants), wanted is not None)
    topic = topology.dead_letter_topic
    agents = {each.values["topic"] for each in plan.of("pubsub_topic_iam_member", member=AGENT)}
    yield from _differs("topics that Pub/Sub may forward to", agents, {topic})


def filters(plan: Plan, topology: Topology) -> Iterator[str]:
    """A redriven event reaches its own function; what files dead letters gets them all."""
    for name, subscription in plan.subscriptions.items():
        own = f'NOT attributes:{TARGET} OR attributes.{TARGET} = "{name}"'
        wanted = None if _files_dead_letters(topology, name) else own
        yield from _differs(f"{name}: filter", subscription.values["filter"], wanted)


def deadlines(plan: Plan, topology: Topology) -> Iterator[str]:
    """Pub/Sub waits for the lease, and the platform lets a delivery take as long."""
    for name, function in plan.functions.items():
        wanted = topology.ack_deadline_seconds(name)
        yield from _differs(f"{name}: ack deadline", plan.subscriptions[name].values["ack_deadline_seconds"], wanted)
        yield from _differs(f"{name}: timeout", function.block("service_config")["timeout_seconds"], wanted)


def capacity(plan: Plan, topology: Topology) -> Iterator[str]:
    """An instance gets as much at a time as the topology says, in order where it says so."""
    for name, wanted in topology.functions.items():
        service = plan.functions[name].block("service_config")
        yield from _differs(f"{name}: concurrency", service["max_instance_request_concurrency"], wanted.concurrency)
        ordered = plan.subscriptions[name].values["enable_message_ordering"]
        yield from _differs(f"{name}: ordered", ordered, wanted.ordered)


def publishers(plan: Plan, topology: Topology) -> Iterator[str]:
    """A function may publish what it emits and its dead letters; the dead letters' one also what others owe."""
    emitted = {topic for function in topology.functions.values() for topic in function.emits}
    for name, function in topology.functions.items():
        wanted = emitted if _files_dead_letters(topology, name) else set(function.emits)
        grants = plan.of("pubsub_topic_iam_member", role="roles/pubsub.publisher")
        may = {each.key for each in grants if each.owner == name}
        yield from _differs(f"{name}: may publish", may, {*wanted, topology.dead_letter_topic})


def environments(plan: Plan, topology: Topology) -> Iterator[str]:
    """A function is told its project, its database, and the addresses of those dependencies that it uses."""
    for name, function in topology.functions.items():
        wanted = {"GOOGLE_CLOUD_PROJECT": "flight-desk", "TIDEGATE_DATABASE": "(default)"}
        wanted |= {url_variable(each): "https://partner.example.com" for each in function.dependencies}
        told = plan.functions[name].block("service_config")["environment_variables"]
        yield from _differs(f"{name}: environment", told, wanted)


def ledger(plan: Plan, _: Topology) -> Iterator[str]:
    """The ledger is forgotten in time, nothing of it is indexed, and its database cannot be lost by mistake."""
    fields = {
        (each.values["collection"], each.values["field"]): (
            bool(each.values["ttl_config"]),
            bool(each.values["index_config"]) and not each.block("index_config").get("indexes"),
        )
        for each in plan.of("firestore_field")
    }
    expiry, payload = (True, True), (False, True)
    wanted = {
        (LEDGER, "expire_at"): expiry,
        (PIECES, "expire_at"): expiry,
        (LEDGER, "*"): payload,
        (PIECES, "data"): payload,
    }
    yield from _differs("fields: (expire, lack an index)", fields, wanted)
    kept = {
        "delete_protection_state": "DELETE_PROTECTION_ENABLED",
        "point_in_time_recovery_enablement": "POINT_IN_TIME_RECOVERY_ENABLED",
    }
    if not any(plan.of("firestore_database", **kept)):
        yield "the database is not protected"


RULES: tuple[Rule, ...] = (
    names,
    keys,
    retries,
    lifetimes,
    pushes,
    backstops,
    filters,
    deadlines,
    capacity,
    publishers,
    environments,
    ledger,
)


def _differs(what: str, found: object, wanted: object) -> Iterator[str]:
    if found != wanted:
        yield f"{what}: {found!r}, not {wanted!r}"


def _files_dead_letters(topology: Topology, name: str) -> bool:
    return topology.functions[name].topic == topology.dead_letter_topic
