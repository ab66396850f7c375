"""The timers of the embedded engine, in virtual time."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tidegate.adapters.memory_timers import MemoryTimers
from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing
from tidegate.testing.virtual_loop import run

START = datetime(2026, 1, 1, tzinfo=UTC)


class Desk:
    """A publisher that notes when it got what, and refuses the first ``failures`` calls."""

    def __init__(self, *, failures: int = 0) -> None:
        self.failures = failures
        self.tries: list[float] = []
        self.published: list[tuple[float, Outgoing]] = []

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        now = asyncio.get_running_loop().time()
        self.tries.append(now)
        if len(self.tries) <= self.failures:
            raise PublishFailed("not yet")
        self.published += [(now, each) for each in messages]

    def timers(self) -> MemoryTimers:
        """Timers that publish here, by the loop's clock."""
        return MemoryTimers(self, clock=lambda: START + timedelta(seconds=asyncio.get_running_loop().time()))


def event(name: str, seconds: float) -> Outgoing:
    """An event that is due so long after the start."""
    return Outgoing("order.placed", b"{}", {"ce-id": name}, due=START + timedelta(seconds=seconds))


def test_thirty_days_pass_and_the_event_is_out() -> None:
    """Each is published when it is due, without its due time, whatever the order of scheduling."""
    desk = Desk()
    month = timedelta(days=30).total_seconds()

    async def main() -> None:
        timers = desk.timers()
        for each in (event("last", month), event("first", 5), event("past", -60)):
            await timers.schedule(each)
        await asyncio.sleep(month + 1)

    run(main())
    assert [(time, each.attributes["ce-id"], each.due) for time, each in desk.published] == [
        (0, "past", None),
        (5, "first", None),
        (month, "last", None),
    ]


def test_a_failure_to_publish_is_tried_again() -> None:
    """After ever longer pauses, up to a minute, until it succeeds."""
    desk = Desk(failures=12)

    async def main() -> None:
        await desk.timers().schedule(event("a", 1))
        await asyncio.sleep(1000)

    run(main())
    pauses = [later - earlier for earlier, later in pairwise(desk.tries)]
    assert pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 60, 60])
    assert len(desk.published) == 1


def test_closed_timers_publish_nothing() -> None:
    """What was due later is lost, and nothing more is taken."""
    desk = Desk()

    async def main() -> None:
        timers = desk.timers()
        await timers.schedule(event("a", 1))
        await timers.close()
        await asyncio.sleep(10)
        with pytest.raises(PublishFailed, match="closed"):
            await timers.schedule(event("b", 20))

    run(main())
    assert desk.published == []
