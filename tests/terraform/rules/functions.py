"""Rules about functions as they are deployed."""

from collections.abc import Iterator

from tests.terraform.plan import Plan
from tests.terraform.rules.rule import differs, emits
from tests.terraform.terraform import DEPENDENCY_URLS, PROJECT
from tidegate.dependencies import url_variable
from tidegate.topology import Topology

SECRETS = {"webhooks": {"TIDEGATE_WEBHOOK_SECRETS"}}
QUEUE = {"TIDEGATE_TASKS_QUEUE", "TIDEGATE_TASKS_ACCOUNT"}


def capacity(plan: Plan, topology: Topology) -> Iterator[str]:
    """An instance gets as much at a time as the topology says, and is as large, of as many, as its options say."""
    for name, function in plan.functions.items():
        config, options = function.block("service_config"), plan.options("function_options").get(name, {})
        wanted = topology.slice(name).concurrency
        yield from differs(f"{name}: concurrency", config["max_instance_request_concurrency"], wanted)
        size = (options.get("cpu") or "1", options.get("memory") or "512Mi")
        yield from differs(f"{name}: size", (config["available_cpu"], config["available_memory"]), size)
        most = options.get("max_instances") or plan.variables.get("max_instances") or 10
        instances = (config["min_instance_count"], config["max_instance_count"])
        yield from differs(f"{name}: instances", instances, (options.get("min_instances") or 0, most))


def networks(plan: Plan, _: Topology) -> Iterator[str]:
    """A function reaches the network that its options name, and by default that alone goes there which is for it."""
    for name, function in plan.functions.items():
        config = function.block("service_config")
        vpc = plan.options("function_options").get(name, {}).get("vpc")
        found = [(each["network"], each["subnetwork"], each["tags"]) for each in config["direct_vpc_network_interface"]]
        wanted = [(vpc["network"], vpc["subnetwork"], vpc.get("tags"))] if vpc else []
        yield from differs(f"{name}: network", found, wanted)
        egress = f"VPC_EGRESS_{vpc.get('egress') or 'PRIVATE_RANGES_ONLY'}" if vpc else None
        yield from differs(f"{name}: what goes there", config.get("direct_vpc_egress"), egress)


def deadlines(plan: Plan, topology: Topology) -> Iterator[str]:
    """The platform lets a delivery take as long as the lease; a request, longer than the runtime lets it."""
    for name, function in plan.functions.items():
        seconds = function.block("service_config")["timeout_seconds"]
        if name in topology.functions:
            yield from differs(f"{name}: timeout", seconds, topology.ack_deadline_seconds(name))
        elif not min(3600, topology.http_functions[name].timeout_seconds + 1) <= seconds <= 3600:
            yield f"{name}: timeout: {seconds} leaves no time to say so"


def environments(plan: Plan, topology: Topology) -> Iterator[str]:
    """A function is told its project, its database, the dependencies that it uses, and the queue if it emits."""
    for name, function in plan.functions.items():
        told = function.block("service_config")["environment_variables"]
        later = function.unknown["service_config"][0].get("environment_variables") or {}
        wanted = {"GOOGLE_CLOUD_PROJECT": PROJECT, "TIDEGATE_DATABASE": "(default)"}
        if name in topology.functions:
            wanted |= {url_variable(each): DEPENDENCY_URLS[each] for each in topology.functions[name].dependencies}
        # What its creation tells is known by its name alone.
        yield from differs(f"{name}: environment", {each: told[each] for each in told.keys() - QUEUE}, wanted)
        queue = QUEUE if emits(topology, name) else set[str]()
        yield from differs(f"{name}: what it is told of the queue", QUEUE & (told.keys() | later.keys()), queue)


def secrets(plan: Plan, _: Topology) -> Iterator[str]:
    """A secret is read by who needs it and nobody else, cannot be lost by mistake, and its value is unknown here."""
    read = set[tuple[str, str]]()
    for name, function in plan.functions.items():
        options = plan.options("function_options").get(name, {})
        variables = SECRETS.get(name, set()) | set(options.get("secrets") or [])
        blocks = function.block("service_config").get("secret_environment_variables") or []
        found = {each["key"]: (each["secret"], each["version"]) for each in blocks}
        wanted = {each: (each.lower().replace("_", "-"), "latest") for each in variables}
        yield from differs(f"{name}: secrets", found, wanted)
        read |= {(name, variable) for variable in variables}
    grants = plan.of("secret_manager_secret_iam_member", role="roles/secretmanager.secretAccessor")
    yield from differs("who may read which secret", {(each.owner, each.key) for each in grants}, read)
    kept = {each.key for each in plan.of("secret_manager_secret", deletion_protection=True)}
    yield from differs("protected secrets", kept, {variable for _, variable in read})
    if any(plan.of("secret_manager_secret_version")):
        yield "the value of a secret would be in the state"
