"""The partner goes down in the middle of a run: what its breaker spares, and how soon all has settled after it.

The same run twice: with the breaker, and with ``breaker: null``, where nothing but attempts and Pub/Sub's backoff
stands between the backlog and the partner. Retries within a run are the topology's own in both.
"""

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from tidegate.dependency_limits import Dependency
from tidegate.topology import Topology
from tidegate_ops.demo.display import Display
from tidegate_ops.demo.partner import Partner
from tidegate_ops.experiments.bench import DEPENDENCY, TOPIC, Bench
from tidegate_ops.experiments.flights import cancelled, event_ids, message
from tidegate_ops.experiments.recorder import Recorder, rates
from tidegate_ops.project import Project

EVENTS_PER_SECOND = 10
"""A third of what the emulator delivers to one function here, so that a backlog can be worked off besides."""
COOL_DOWN_SHARE = 1 / 3
"""Of the outage. The topology's cool-downs are made for outages of hours, of which this one takes a minute."""
FAILURES = 2
"""Failed uses in a row that open the breaker here."""
UNDER_WAY = 2
"""Deliveries that the emulator has under way of one function."""
SETTLED_SECONDS = 30
MOST_CALLS_SHARE = 0.01
"""Of the calls that are made without a breaker; for an outage of a minute, since what opens it is the same for any."""
FULL_SECONDS = 60
_LEAD_SHARE = 7 / 6
_STALLED_SECONDS = 180
_PARTNER_MS = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """An outage of ``seconds``, and about as much before and after it, in which all is well."""

    seconds: float = FULL_SECONDS

    @property
    def lead_seconds(self) -> float:
        return self.seconds * _LEAD_SHARE

    @property
    def events(self) -> int:
        return round(EVENTS_PER_SECOND * (self.seconds + 2 * self.lead_seconds))

    def topology(self, topology: Topology, *, guarded: bool) -> Topology:
        """The project's own, but for the breaker: one that opens sooner and for a shorter time, or none at all."""
        changed: dict[str, Any] = topology.model_dump(exclude_unset=True)
        dependency = changed["dependencies"][DEPENDENCY]
        cool_down = max(1.0, self.seconds * COOL_DOWN_SHARE)
        quick = {"failures": FAILURES, "cool_down_seconds": cool_down, "longest_cool_down_seconds": cool_down}
        dependency["breaker"] = {**(dependency.get("breaker") or {}), **quick} if guarded else None
        return Topology.model_validate(changed)


class Arm(BaseModel):
    """How the run went, with a breaker or without.

    Attributes:
        calls_while_down: what the partner had to refuse.
        most_calls: what its limits allow of these; None where nothing does.
        settled_seconds: from its recovery until every event that had been published before had come to its end.
        bookings, booked_twice: what it had booked in the end, and for how many flights more than once.
        series: name → values at `times`.
    """

    model_config = ConfigDict(frozen=True)

    dead_letters: int
    most_attempts: int
    calls_while_down: int
    most_calls: int | None
    settled_seconds: float
    bookings: int
    booked_twice: int
    times: list[float]
    series: dict[str, list[float]]


class Outage(BaseModel):
    """Both runs."""

    model_config = ConfigDict(frozen=True)

    seconds: float
    events: int
    guarded: Arm
    unguarded: Arm

    @property
    def calls_share(self) -> float:
        """The calls to the partner while it was down, with the breaker, of those without."""
        return self.guarded.calls_while_down / max(1, self.unguarded.calls_while_down)

    def claims(self) -> dict[str, bool]:
        """What a breaker promises, and whether it was kept."""
        guarded = self.guarded
        claims = {
            "no event died of the outage": guarded.dead_letters == 0,
            "every flight was booked, and once": (guarded.bookings, guarded.booked_twice) == (self.events, 0),
            "the partner was left alone, but for what opened the breaker and its probes": (
                guarded.most_calls is not None and guarded.calls_while_down <= guarded.most_calls
            ),
            f"what had waited was done within {SETTLED_SECONDS} s of the recovery": guarded.settled_seconds
            <= SETTLED_SECONDS,
        }
        if self.seconds >= FULL_SECONDS:
            share = f"these calls were at most {MOST_CALLS_SHARE:.0%} of those without a breaker"
            claims[share] = self.calls_share <= MOST_CALLS_SHARE
        return claims


def run(project: Project, plan: Plan, display: Display) -> Outage:
    """Play it, with and without.

    Raises:
        Stalled: the application stopped to move.
    """
    guarded, unguarded = (play(project, plan, display, guarded=each) for each in (True, False))
    return Outage(seconds=plan.seconds, events=plan.events, guarded=guarded, unguarded=unguarded)


def play(project: Project, plan: Plan, display: Display, *, guarded: bool) -> Arm:
    """Play it once.

    Raises:
        Stalled: the application stopped to move.
    """
    name = "with a breaker" if guarded else "without a breaker"
    topology = plan.topology(project.topology(), guarded=guarded)
    with (
        Partner(latency_ms=_PARTNER_MS) as partner,
        Bench(project, topology, partner, lambda text: display.say(f"{name}: {text}")) as bench,
    ):
        published = 0

        def publish(count: int) -> None:
            nonlocal published
            bench.publish(map(message, cancelled(published, count)))
            published += count
            display.show({name: (bench.deliveries.ended, plan.events)})

        down = threading.Event()
        recorder = Recorder(
            {
                "waiting": lambda: published - bench.deliveries.ended,
                "ended": lambda: bench.deliveries.ended,
                "down": down.is_set,
                "open": lambda: _is_open(bench),
                "calls": lambda: partner.calls().all,
            }
        )
        with recorder, _stream(plan.events, publish) as all_published:
            time.sleep(plan.lead_seconds)
            display.say(f"{name}: the partner is down for {plan.seconds:g} s")
            went_down = time.monotonic()
            partner.adjust(down=True)
            down.set()
            time.sleep(plan.seconds)
            partner.adjust(down=False)
            down_seconds = time.monotonic() - went_down
            down.clear()
            recovered, waited_for = recorder.now, event_ids(published)
            display.say(f"{name}: the partner is back")
            bench.deliveries.wait(lambda ended: waited_for <= ended, _STALLED_SECONDS)
            settled = recorder.now - recovered
            all_published()
            bench.deliveries.wait(lambda ended: len(ended) >= plan.events, _STALLED_SECONDS)
        bookings = partner.log()
        refused = partner.calls().refused
        flights = {booking.flight_id for booking in bookings}
        return Arm(
            dead_letters=bench.deliveries.dead,
            most_attempts=bench.deliveries.most_attempts,
            calls_while_down=refused,
            most_calls=_most_calls(topology.dependencies[DEPENDENCY], down_seconds),
            settled_seconds=round(settled, 1),
            bookings=len(flights),
            booked_twice=len(bookings) - len(flights),
            times=recorder.times,
            series=_series(recorder),
        )


def _series(recorder: Recorder) -> dict[str, list[float]]:
    times, values = recorder.times, recorder.values
    return {
        "partner down": values["down"],
        "breaker open": values["open"],
        f"events waiting ({TOPIC})": values["waiting"],
        "events ended per second": rates(times, values["ended"]),
        "calls to the partner per second": rates(times, values["calls"]),
    }


def _most_calls(limits: Dependency, seconds: float) -> int | None:
    """How often a partner that is down for so long is called by one instance of one function."""
    breaker = limits.breaker
    if breaker is None:
        return None
    # Those that were under way when the first one failed make all of their calls, each one after them a single one.
    opening = min(limits.concurrency, UNDER_WAY) * limits.retries.attempts + breaker.failures - 1
    return opening + breaker.probes * math.ceil(seconds / breaker.cool_down_seconds)


def _is_open(bench: Bench) -> bool:
    circuit = bench.documents("breakers").get(DEPENDENCY, {})
    return circuit.get("state") == "open"


@contextmanager
def _stream(events: int, publish: Callable[[int], None]) -> Iterator[Callable[[], None]]:
    """Publish events at their rate, in a thread; yields what waits for the last of them."""
    over = threading.Event()
    failures: list[Exception] = []

    def work() -> None:
        began, done = time.monotonic(), 0
        try:
            while done < events and not over.wait(0.1):
                due = min(events, int((time.monotonic() - began) * EVENTS_PER_SECOND))
                if due > done:
                    publish(due - done)
                    done = due
        except Exception as error:
            failures.append(error)

    def wait() -> None:
        thread.join()
        _raise(failures)

    thread = threading.Thread(target=work, name="events", daemon=True)
    thread.start()
    try:
        yield wait
    finally:
        over.set()
        thread.join()


def _raise(failures: Sequence[Exception]) -> None:
    for each in failures:
        raise each
