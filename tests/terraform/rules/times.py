"""Rules about what is published later, or at fixed times."""

import base64
import json
from collections.abc import Iterator

from tests.terraform.plan import Plan
from tests.terraform.rules.rule import differs
from tidegate.function_config import deployed_name
from tidegate.topology import Topology


def delays(plan: Plan, _: Topology) -> Iterator[str]:
    """No event that waits is given up, however often it could not be published."""
    queues = [each.block("retry_config") for each in plan.of("cloud_tasks_queue")]
    limits = [(each.get("max_attempts"), each.get("max_retry_duration")) for each in queues]
    yield from differs("limits of attempts, and of time", limits, [(-1, "0s")])


def schedules(plan: Plan, topology: Topology) -> Iterator[str]:
    """Each schedule publishes its own JSON, when and where the topology says, and tries more than once."""
    jobs = {str(each.key): each for each in plan.of("cloud_scheduler_job")}
    yield from differs("schedules", jobs.keys(), topology.schedules.keys())
    for name, job in jobs.items():
        wanted = topology.schedules[name]
        times = {"name": deployed_name(name), "schedule": wanted.cron, "time_zone": wanted.timezone}
        yield from differs(f"{name}: times", {each: job.values[each] for each in times}, times)
        target = job.block("pubsub_target")
        yield from differs(f"{name}: data", json.loads(base64.b64decode(target["data"])), wanted.data)
        yield from differs(f"{name}: attributes", target.get("attributes"), {"content-type": "application/json"})
        yield from differs(f"{name}: tries again", job.block("retry_config").get("retry_count"), 5)
