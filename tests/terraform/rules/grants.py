"""Rules about who may do what."""

from collections.abc import Iterator

from tests.terraform.plan import Plan
from tests.terraform.rules.rule import differs, emits, emitted, topics
from tests.terraform.terraform import DEPLOYER, INVOKERS, PROJECT
from tidegate.function_config import Access, deployed_name
from tidegate.jobs import ADVANCED, SETTLED
from tidegate.pauses import WOKEN
from tidegate.topology import Topology

EVERYBODY = "allUsers"

# What may be granted, on what. None is primitive, and all but the last few are about one thing and not about all
# things of its kind.
ALLOWED = {
    "artifact_registry_repository": {"roles/artifactregistry.writer"},
    "bigquery_table": {"roles/bigquery.dataEditor"},
    "cloud_run_service": {"roles/run.invoker"},
    "cloud_tasks_queue": {"roles/cloudtasks.enqueuer"},
    "pubsub_subscription": {"roles/pubsub.editor", "roles/pubsub.subscriber"},
    "pubsub_topic": {"roles/pubsub.publisher"},
    "secret_manager_secret": {"roles/secretmanager.secretAccessor"},
    "service_account": {"roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountUser"},
    "storage_bucket": {"roles/storage.legacyBucketReader", "roles/storage.objectCreator"},
}

# What may be granted on the whole project, and why it cannot be granted on less.
ALLOWED_ON_PROJECT = {
    "roles/datastore.user": "databases have no policies of their own; a condition holds it to the one",
    "roles/datastore.viewer": "likewise",
    "roles/logging.logWriter": "logs have no policies of their own",
    "roles/storage.objectViewer": "builds read sources from a bucket that Cloud Functions makes",
}


def allowed(plan: Plan, _: Topology) -> Iterator[str]:
    """Nothing is granted but what is known to be needed, one member at a time, and on the project only for a reason."""
    for each in plan.resources:
        on, _, kind = each.type.removeprefix("google_").rpartition("_iam_")
        role = each.values.get("role")
        if on == "project" and kind == "member":
            if role not in ALLOWED_ON_PROJECT:
                yield f"{each.address}: {role} is granted on the project, and ALLOWED_ON_PROJECT has no reason for it"
        elif on and (kind != "member" or role not in ALLOWED.get(on, ())):
            yield f"{each.address}: {role} is not among what is ALLOWED on a {on}"


def callers(plan: Plan, topology: Topology) -> Iterator[str]:
    """Pub/Sub alone calls what handles events; of the others, everybody calls those that are not for some only."""
    for name, function in plan.functions.items():
        grants = [*plan.of("cloud_run_service_iam_member", service=deployed_name(name), role="roles/run.invoker")]
        ingress = function.block("service_config")["ingress_settings"]
        if name in topology.functions:
            yield from differs(f"{name}: who calls it", {each.key for each in grants}, {"pubsub"})
            yield from differs(f"{name}: from where", ingress, "ALLOW_INTERNAL_ONLY")
        else:
            some = topology.http_functions[name].access is Access.IAM
            members = {each.values.get("member") for each in grants}
            yield from differs(f"{name}: who calls it", members, {*INVOKERS, DEPLOYER} if some else {EVERYBODY})
            yield from differs(f"{name}: from where", ingress, "ALLOW_ALL")
    for each in plan.resources:
        if each.values.get("member") in (EVERYBODY, "allAuthenticatedUsers") and each.owner in topology.functions:
            yield f"{each.address}: everybody may handle events"


def databases(plan: Plan, topology: Topology) -> Iterator[str]:
    """A function uses its own database and no other, and one that only shows what is there writes nothing."""
    for name in topology.deployed:
        writes = name in topology.functions or bool(topology.http_functions[name].accepts)
        grants = [each for each in plan.of("project_iam_member") if each.owner == name]
        role = "roles/datastore.user" if writes else "roles/datastore.viewer"
        yield from differs(f"{name}: roles in the project", [each.values["role"] for each in grants], [role])
        only = f'resource.name == "projects/{PROJECT}/databases/(default)"'
        conditions = {each.block("condition").get("expression") for each in grants}
        yield from differs(f"{name}: condition of its role", conditions, {only})


def publishers(plan: Plan, topology: Topology) -> Iterator[str]:
    """Who may publish what: functions what they emit and owe, front doors what they accept, tasks what may be late."""
    grants = [*plan.of("pubsub_topic_iam_member", role="roles/pubsub.publisher")]
    for name, function in topology.functions.items():
        owes = {
            ADVANCED,
            *([SETTLED] if function.topic == ADVANCED else []),
            *([WOKEN] if function.dependencies else []),
        }
        wanted = {*emits(topology, name), topology.dead_letter_topic, *(owes & topics(topology))}
        yield from differs(f"{name}: may publish", {each.key for each in grants if each.owner == name}, wanted)
    for name, http_function in topology.http_functions.items():
        may = {each.key for each in grants if each.owner == name}
        yield from differs(f"{name}: may publish", may, set(http_function.accepts))
    later = {each.key for each in grants if each.module == "tasks"}
    yield from differs("what may be published later", later, emitted(topology))


def tasks(plan: Plan, topology: Topology) -> Iterator[str]:
    """Whoever emits events may delay them, and nobody else may have anything run as the account that publishes them."""
    wanted = {name for name in topology.functions if emits(topology, name)}
    enqueuers = plan.of("cloud_tasks_queue_iam_member", role="roles/cloudtasks.enqueuer")
    yield from differs("who may delay events", {each.owner for each in enqueuers}, wanted)
    users = plan.of("service_account_iam_member", role="roles/iam.serviceAccountUser")
    owners = {each.owner for each in users if each.module == "function"}
    yield from differs("who may use the account of tasks", owners, wanted)


def governors(plan: Plan, topology: Topology) -> Iterator[str]:
    """The governor alone may change how messages are pushed, and to functions with dependencies alone."""
    names = set(topology.subscribers(WOKEN))
    governed = {name for name, function in topology.functions.items() if function.dependencies and names}
    editors = [*plan.of("pubsub_subscription_iam_member", role="roles/pubsub.editor")]
    yield from differs("subscriptions that it may change", {each.owner for each in editors}, governed)
    yield from differs("who may change subscriptions", {each.key for each in editors}, names if governed else set())
    signers = plan.of("service_account_iam_member", role="roles/iam.serviceAccountUser")
    yield from differs("who may have pushes signed", {each.key for each in signers if not each.module}, names)
