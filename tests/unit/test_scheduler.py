"""The local scheduler: each time once, none made up for."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Any

from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing
from tidegate.topology import Schedule
from tidegate_ops.scheduler import Agenda, Scheduler

NOON = datetime(2026, 2, 8, 12, tzinfo=UTC)
HOURLY = Schedule(cron="0 * * * *", topic="order.counted", data={"shelf": 7})
NIGHTLY = Schedule(cron="0 6 * * *", timezone="America/New_York", topic="order.archived")
SECONDS = 10


def hours(number: float) -> datetime:
    return NOON + timedelta(hours=number)


def test_each_is_taken_at_its_time() -> None:
    """Nothing is due before; then what is due, once."""
    agenda = Agenda({"hourly": HOURLY, "nightly": NIGHTLY}, hours(-1.5))
    assert agenda.next == hours(-1)  # 11:00 UTC is 06:00 in New York
    assert agenda.take(hours(-1.01)) == []
    assert agenda.take(hours(-1)) == ["hourly", "nightly"]
    assert agenda.take(hours(-1)) == []
    assert agenda.next == NOON


def test_missed_times_are_not_made_up_for() -> None:
    """After a long sleep of the machine there is one run, not one for each hour."""
    agenda = Agenda({"hourly": HOURLY}, NOON)
    assert agenda.take(hours(5.5)) == ["hourly"]
    assert agenda.next == hours(6)


def test_a_clock_that_is_set_back_repeats_nothing() -> None:
    """What was published stays published."""
    agenda = Agenda({"hourly": HOURLY}, NOON)
    assert agenda.take(hours(1)) == ["hourly"]
    assert agenda.take(hours(0.5)) == []
    assert agenda.next == hours(2)


@contextmanager
def running(schedules: Mapping[str, Schedule], **options: Any) -> Iterator[None]:
    """A scheduler at work."""
    scheduler = Scheduler(schedules, **options)
    scheduler.start()
    yield
    scheduler.close()


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = hours(0.9999)

    def __call__(self) -> datetime:
        return self.now


def test_a_plain_message_is_published() -> None:
    """Without attributes, as Cloud Scheduler does it; and the log says so."""
    clock, published, lines = Clock(), SimpleQueue[Sequence[Outgoing]](), SimpleQueue[str]()
    with running({"hourly": HOURLY}, publish=published.put, on_line=lines.put, clock=clock):
        clock.now = hours(1)
        assert published.get(timeout=SECONDS) == [Outgoing("order.counted", b'{"shelf": 7}')]
        assert lines.get(timeout=SECONDS) == "schedule hourly published a order.counted"


def test_a_failure_is_told_and_the_next_time_is_tried_again() -> None:
    """One lost run ends nothing."""

    def fail(messages: Sequence[Outgoing]) -> None:
        raise PublishFailed("nobody listens")

    clock, lines = Clock(), SimpleQueue[str]()
    with running({"hourly": HOURLY}, publish=fail, on_line=lines.put, clock=clock):
        for hour in (1, 2):
            clock.now = hours(hour)
            assert lines.get(timeout=SECONDS) == "schedule hourly is lost: nobody listens"


def test_without_schedules_there_is_nothing_to_do() -> None:
    """An application may have none."""
    assert Agenda({}, NOON).next is None
    with running({}, publish=lambda messages: None):
        pass
