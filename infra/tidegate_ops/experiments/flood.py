"""Five times what can be done, for a while, at the gateway's front door: who is let in is served, the rest is told when
to come again, and nothing grows.

First the capacity is measured, by a backlog, and how long an accepted request takes at half of that. The flood does not
wait for answers before it sends more, as many clients would not.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict

from tidegate.jobs import JobState
from tidegate.topology import Topology
from tidegate_ops.demo.display import Display
from tidegate_ops.demo.partner import Partner
from tidegate_ops.experiments.bench import FUNCTION, TOPIC, Bench, Stalled
from tidegate_ops.experiments.flights import cancelled, message
from tidegate_ops.experiments.load import Load
from tidegate_ops.experiments.recorder import Recorder, rates
from tidegate_ops.project import Project

TIMES = 5
"""The load, in terms of the capacity."""
LIMIT_TIMES = 1.75
"""The least load, in terms of the rate of a client: a flood also where the capacity is small, or was for a moment."""
GROWTH = 1.15
"""Memory may peak in the flood's last quarter at so much of what it did in the second."""
SLOWER = 3
"""The 99th percentile of accepted requests may be so many times that without the flood."""
UNSETTLED_JOBS = 100
RATE_PER_SECOND = 40
_PARTNER_MS = 100
_BACKLOG = 80
_CALM_SHARE = 0.2
_STALLED_SECONDS = 60
_POLL_SECONDS = 0.5
_MEASURED = ("gateway", FUNCTION)
_REFUSALS = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)


def altered(topology: Topology) -> Topology:
    """The project's own, but that the gateway accepts cancelled flights, within limits that the flood reaches."""
    changed: dict[str, Any] = topology.model_dump(exclude_unset=True)
    gateway = changed["http_functions"]["gateway"]
    gateway["accepts"] = [*gateway["accepts"], TOPIC]
    gateway["rate_per_second"] = gateway["burst"] = RATE_PER_SECOND
    changed["topics"][TOPIC]["max_unsettled_jobs"] = UNSETTLED_JOBS
    return Topology.model_validate(changed)


class Flood(BaseModel):
    """How it went.

    Attributes:
        capacity_per_second: events that the function brings to an end.
        answers: status → how many requests of the flood were answered so; 0 for no answer at all.
        without_retry_after: refusals that did not say when to come again.
        unsettled: accepted jobs that did not succeed.
        calm_p99_ms, flood_p99_ms: how long accepted requests took, without the flood and in it.
        memory_growth: function → the peak of its memory in the last quarter, over that in the second.
        series: name → values at `times`.
    """

    model_config = ConfigDict(frozen=True)

    seconds: float
    capacity_per_second: float
    offered_per_second: float
    answers: dict[int, int]
    without_retry_after: int
    unsettled: int
    calm_p99_ms: float
    flood_p99_ms: float
    memory_mb: dict[str, float]
    memory_growth: dict[str, float]
    times: list[float]
    series: dict[str, list[float]]

    @property
    def accepted(self) -> int:
        return self.answers.get(httpx.codes.ACCEPTED, 0)

    @property
    def refused(self) -> int:
        """Requests that were told to come again."""
        return sum(self.answers.get(each, 0) for each in _REFUSALS)

    def claims(self) -> dict[str, bool]:
        """What a flood must not do, and whether it did not."""
        return {
            "every request is accepted or refused": self.accepted + self.refused == sum(self.answers.values()),
            "every refusal says when to come again": self.refused > 0 and self.without_retry_after == 0,
            "every accepted job succeeds": self.accepted > 0 and self.unsettled == 0,
            f"the gateway and {FUNCTION} do not grow: at most {GROWTH:.0%} of the memory before": all(
                each <= GROWTH for each in self.memory_growth.values()
            ),
            f"accepted requests take at most {SLOWER} times as long (p99)": (
                self.flood_p99_ms <= SLOWER * self.calm_p99_ms
            ),
        }


def run(project: Project, seconds: float, display: Display) -> Flood:
    """Measure, flood, and wait until what was accepted has settled.

    Raises:
        Stalled: it does not settle.
    """
    with (
        Partner(latency_ms=_PARTNER_MS) as partner,
        Bench(project, altered(project.topology()), partner, display.say) as bench,
    ):
        capacity = _capacity(bench)
        offered = load_for(capacity)
        display.say(f"{FUNCTION} does {capacity:.1f} events a second")
        Load(bench.gateway).send(capacity / 2, 1, lambda sent: None)  # what is slow once only
        calm, load = Load(bench.gateway), Load(bench.gateway)
        calm_seconds = max(3.0, seconds * _CALM_SHARE)
        display.say(f"half of that for {calm_seconds:g} s, to see how long a request takes")
        calm.send(capacity / 2, calm_seconds, lambda sent: None)
        display.say(f"{offered / capacity:.0f} times as much for {seconds:g} s: {offered:.0f} requests a second")
        with Recorder(_probes(bench, load)) as recorder:
            total = round(offered * seconds)
            load.send(offered, seconds, lambda sent: display.show({"requests": (sent, total)}))
            flooded = recorder.now
            display.say(f"{len(load.accepted)} were accepted; waiting until they have settled")
            unsettled = _settle(bench, {*calm.accepted, *load.accepted})
    peaks = {name: _peaks(recorder, name, flooded) for name in _MEASURED}
    return Flood(
        seconds=seconds,
        capacity_per_second=capacity,
        offered_per_second=offered,
        answers=dict(sorted(load.counts.items())),
        without_retry_after=sum(each.status in _REFUSALS and not each.retry_after for each in load.answers),
        unsettled=unsettled,
        calm_p99_ms=calm.p99_ms,
        flood_p99_ms=load.p99_ms,
        memory_mb={name: round(late) for name, (_, late) in peaks.items()},
        memory_growth={name: round(late / max(early, 1.0), 3) for name, (early, late) in peaks.items()},
        times=recorder.times,
        series=_series(recorder),
    )


def load_for(capacity: float) -> float:
    """The requests a second that are too many for a capacity, and for one client."""
    return max(TIMES * capacity, LIMIT_TIMES * RATE_PER_SECOND)


def _capacity(bench: Bench) -> float:
    """Events a second, of a backlog; its first quarter, while connections open, does not count."""
    bench.publish(map(message, cancelled(0, _BACKLOG)))
    bench.deliveries.wait(lambda ended: len(ended) >= _BACKLOG // 4, _STALLED_SECONDS)
    began = time.monotonic()
    bench.deliveries.wait(lambda ended: len(ended) >= _BACKLOG, _STALLED_SECONDS)
    return (_BACKLOG - _BACKLOG // 4) / (time.monotonic() - began)


def _probes(bench: Bench, load: Load) -> dict[str, Callable[[], float]]:
    return {
        "offered": lambda: load.sent,
        "accepted": lambda: load.counts[httpx.codes.ACCEPTED],
        "refused": lambda: sum(load.counts[each] for each in _REFUSALS),
        "ended": lambda: bench.deliveries.ended,
        **{name: partial(bench.megabytes, name) for name in _MEASURED},
    }


def _settle(bench: Bench, jobs: set[str]) -> int:
    """Wait until these jobs have settled; returns how many of them did not succeed.

    Raises:
        Stalled: some do not.
    """
    waiting, moved = len(jobs), time.monotonic()
    while True:
        found = bench.documents("jobs")
        states = [JobState(found[each]["state"]) if each in found else JobState.RUNNING for each in jobs]
        left = sum(not state.settled for state in states)
        if not left:
            return sum(state is not JobState.SUCCEEDED for state in states)
        if left < waiting:
            waiting, moved = left, time.monotonic()
        if time.monotonic() - moved > _STALLED_SECONDS:
            raise Stalled(
                f"{left} of {len(jobs)} accepted jobs have not settled, and none more for {_STALLED_SECONDS} s"
            )
        time.sleep(_POLL_SECONDS)


def _peaks(recorder: Recorder, name: str, seconds: float) -> tuple[float, float]:
    """The peak of a function's memory in the second quarter, and in the last."""
    quarters = ((0.25, 0.5), (0.75, 1.0))
    early, late = (max(recorder.between(name, a * seconds, b * seconds), default=0.0) for a, b in quarters)
    return early, late


def _series(recorder: Recorder) -> dict[str, list[float]]:
    times, values = recorder.times, recorder.values
    named = {"offered": "requests", "accepted": "accepted", "refused": "refused (429, 503)", "ended": "events ended"}
    return {
        **{f"{text} per second": rates(times, values[name]) for name, text in named.items()},
        **{f"MB of {name}": values[name] for name in _MEASURED},
    }
