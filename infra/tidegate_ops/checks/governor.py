"""What the governor needs: somebody who wakes it when nobody else has."""

from collections.abc import Iterator

from tidegate.pauses import WOKEN
from tidegate_ops.checks.application import Application, Finding


def check_governor(application: Application) -> Iterator[Finding]:
    """A governor that no schedule wakes: after a lost event or a crash, what it paused would stay paused."""
    topology = application.topology
    if any(schedule.topic == WOKEN for schedule in topology.schedules.values()):
        return
    for name in topology.subscribers(WOKEN):
        yield Finding(
            application.at("functions", name, "topic"),
            f"no schedule publishes to {WOKEN}: what it has paused could stay so for ever",
            f'add a schedule with cron "* * * * *" and topic {WOKEN}',
        )
