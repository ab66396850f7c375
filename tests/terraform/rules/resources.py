"""Rules about all resources: their names, their keys, the services they need."""

from collections.abc import Iterator

from tests.terraform.plan import Plan
from tests.terraform.rules.rule import differs, topics
from tidegate.function_config import deployed_name
from tidegate.topology import Topology

# The service, by how the types of its resources begin.
SERVICES = {
    "google_artifact_registry_": "artifactregistry",
    "google_bigquery_": "bigquery",
    "google_cloud_run_": "run",
    "google_cloud_scheduler_": "cloudscheduler",
    "google_cloud_tasks_": "cloudtasks",
    "google_cloudfunctions2_": "cloudfunctions",
    "google_firestore_": "firestore",
    "google_logging_": "logging",
    "google_monitoring_": "monitoring",
    "google_project_": "cloudresourcemanager",
    "google_pubsub_": "pubsub",
    "google_secret_manager_": "secretmanager",
    "google_service_account": "iam",
    "google_storage_": "storage",
}


def keys(plan: Plan, _: Topology) -> Iterator[str]:
    """No resource is known by its place in a list: what comes before it would move it."""
    for each in plan.resources:
        if isinstance(each.key, int):
            yield f"{each.address} has a number as its key"


def names(plan: Plan, topology: Topology) -> Iterator[str]:
    """Topics, functions and subscriptions are those of the topology, and named as it says."""
    yield from differs("topics", {each.values["name"] for each in plan.of("pubsub_topic")}, topics(topology))
    subscribed = {deployed_name(name) for name in topology.functions}
    yield from differs("subscriptions", {each.values["name"] for each in plan.subscriptions.values()}, subscribed)
    deployed = {deployed_name(name) for name in topology.deployed}
    yield from differs("functions", {each.values["name"] for each in plan.functions.values()}, deployed)
    for name, function in plan.functions.items():
        yield from differs(f"{name}: entry point", function.block("build_config")["entry_point"], name)


def buckets(plan: Plan, _: Topology) -> Iterator[str]:
    """What is stored is not for everybody, and does not grow for ever."""
    for bucket in plan.of("storage_bucket"):
        access = (bucket.values["uniform_bucket_level_access"], bucket.values["public_access_prevention"])
        yield from differs(f"{bucket.address}: access", access, (True, "enforced"))
        if not bucket.values["lifecycle_rule"]:
            yield f"{bucket.address}: nothing ends"
    for repository in plan.of("artifact_registry_repository"):
        policies = {each["action"] for each in repository.values["cleanup_policies"]}
        yield from differs(f"{repository.address}: policies", policies, {"KEEP", "DELETE"})


def services(plan: Plan, _: Topology) -> Iterator[str]:
    """The project has the services on that the resources belong to."""
    on = {each.key for each in plan.of("project_service")}
    for type_ in sorted({each.type for each in plan.resources}):
        needed = [service for beginning, service in SERVICES.items() if type_.startswith(beginning)]
        if not needed:
            yield f"{type_}: nobody knows which service it needs"
        elif f"{needed[0]}.googleapis.com" not in on:
            yield f"{type_}: {needed[0]} is not on"
