"""What must hold of limits per key and of shedding, by the ledger's history alone: it knows nothing of lanes."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations

from tests.simulation.gate_scenario import Change, GateScenario
from tests.simulation.gates import (
    BURST,
    CLASSES,
    LONGEST_SECONDS,
    OVERLOAD_SECONDS,
    PERIOD_SECONDS,
    QUIET_SECONDS,
    RUNS,
)
from tests.simulation.invariants import losses
from tests.simulation.watch import Watch
from tests.simulation.world import SKEW_SECONDS, World
from tidegate.records import Fault, Record, Status, record_key

_QUIET = timedelta(seconds=QUIET_SECONDS)
_LONGEST = timedelta(seconds=LONGEST_SECONDS)
_SKEW = timedelta(seconds=SKEW_SECONDS)


@dataclass(frozen=True)
class Run:
    """A claim that stood.

    Attributes:
        began: when it was decided upon, by the claimant's own clock.
        stood: from when on it did, by the true time.
        done: when it was completed; None where it was not.
    """

    change: Change
    began: datetime
    stood: datetime
    done: datetime | None


@dataclass
class GateWatch(Watch):
    """The history, with the true time of each write."""

    times: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def written(self, key: str, record: Record, now: datetime) -> None:
        super().written(key, record, now)
        self.times[key].append(now)

    def runs(self, function: str, lease: timedelta, change: Change) -> Iterator[Run]:
        """The runs of one change at one function."""
        key = record_key(function, change.event.id)
        claims: dict[str, tuple[datetime, Record]] = {}
        for now, record in zip(self.times[key], self.history.get(key, ()), strict=True):
            if record.status is Status.CLAIMED:
                claims.setdefault(record.owner, (now, record))
        last = self.history[key][-1] if key in self.history else None
        for owner, (stood, record) in claims.items():
            done = last is not None and last.status is Status.DONE and last.owner == owner
            yield Run(change, record.lease_until - lease, stood, self.times[key][-1] if done else None)


async def violations(world: World, watch: GateWatch, scenario: GateScenario) -> list[str]:
    """Every way in which the run broke the guarantees; empty if it did not."""
    found = [*watch.violations, *await losses(world), *_uncounted(world, watch), *_unjust(world)]
    found += _hardly_patient(watch, scenario)
    for changes in _by_gate(scenario):
        found += _side_by_side(_runs(world, watch, "open_gate", changes))
        found += _too_many(_runs(world, watch, "call_gate", changes))
        painted = _runs(world, watch, "paint_gate", changes)
        found += [*_misjudged(watch, changes, painted), *_hasty(painted, changes)]
    return found


def _by_gate(scenario: GateScenario) -> list[list[Change]]:
    """Each gate's changes in the order of their times."""
    gates: dict[str, list[Change]] = {}
    for each in sorted(scenario.changes, key=_order):
        gates.setdefault(each.data.gate, []).append(each)
    return [*gates.values()]


def _order(change: Change) -> tuple[datetime, str]:
    return change.event.time, change.event.id


def _runs(world: World, watch: GateWatch, function: str, changes: list[Change]) -> list[Run]:
    lease = timedelta(seconds=world.topology.config(function).lease_seconds)
    return [run for each in changes for run in watch.runs(function, lease, each)]


def _side_by_side(runs: list[Run]) -> Iterator[str]:
    """No two runs of one key that are both completed were under way at the same time."""
    done = [(run.stood, run.done, run.change.event.id) for run in runs if run.done]
    for one, other in combinations(sorted(done), 2):
        if other[0] < one[1]:
            yield f"{one[2]} and {other[2]} were at the gate at the same time, and both were done"


def _too_many(runs: list[Run]) -> Iterator[str]:
    """In no period began more runs than may. Claimants measure it by their own clocks: where two of these differ,
    so may the true distance of two runs, and by how long a claim takes to stand."""
    begun = sorted(run.began for run in runs)
    most = RUNS + BURST - 1
    for first, later in zip(begun, begun[most:], strict=False):
        if later - first < timedelta(seconds=PERIOD_SECONDS):
            yield f"{most + 1} calls began within {(later - first).total_seconds():g} s"


def _misjudged(watch: GateWatch, changes: list[Change], runs: list[Run]) -> Iterator[str]:
    """What was superseded is followed by another of its key, closely, and had not begun: so the last is never.
    And a run begins after it."""
    for place, each in enumerate(changes):
        history = watch.history.get(record_key("paint_gate", each.event.id), [])
        if not history or history[-1].error is None or history[-1].error.fault is not Fault.SUPERSEDED:
            continue
        if len(history) > 1:
            yield f"{each.event.id} was superseded after it had begun"
        if not any(later.event.time - each.event.time <= _QUIET for later in changes[place + 1 :]):
            yield f"{each.event.id} was superseded, and nothing follows it within {QUIET_SECONDS} s"
        if not any(run.stood + _SKEW >= each.published for run in runs):
            yield f"{each.event.id} was superseded, and nothing ran after it"


def _hasty(runs: list[Run], changes: list[Change]) -> Iterator[str]:
    """Nothing runs before its quiet time is over, but for what has waited for long, or was published too late."""
    for run in runs:
        if run.change.age:
            continue
        first = run.change.event.time
        for each in reversed(changes):
            if timedelta() <= first - each.event.time <= _QUIET:
                first = each.event.time
        due = min(run.change.published + _QUIET, first + _LONGEST)
        if run.stood + _SKEW < due:
            yield f"{run.change.event.id} ran {(due - run.stood).total_seconds():g} s too early"


def _hardly_patient(watch: GateWatch, scenario: GateScenario) -> Iterator[str]:
    """What was shed had waited for longer than its class bears, and had not begun."""
    for each in scenario.changes:
        key = record_key("sweep_gate", each.event.id)
        history = watch.history.get(key, [])
        if not history or history[-1].error is None or history[-1].error.fault is not Fault.OVERLOAD:
            continue
        if len(history) > 1:
            yield f"{each.event.id} was shed after it had begun"
        rank = CLASSES.index(each.class_)
        least = timedelta(seconds=OVERLOAD_SECONDS * (len(CLASSES) - rank)) - _SKEW
        waited = watch.times[key][-1] - each.published
        if rank == 0 or waited < least:
            yield f"{each.event.id}, {each.class_}, was shed after {waited.total_seconds():g} s"


def _uncounted(world: World, watch: GateWatch) -> Iterator[str]:
    """The handlers' own increments stand once for each record that is done."""
    done = sum(
        history[-1].status is Status.DONE
        for key, history in watch.history.items()
        if not key.startswith("dead_letters.")
    )
    counted = sum(document.fields["changes"] for document in world.documents.list("gates"))
    if done != counted:
        yield f"{counted} changes were made by {done} records"


def _unjust(world: World) -> Iterator[str]:
    """Waiting for a place is no attempt, and never takes so long that the broker gives up."""
    for letter in world.documents.list("dead_letters"):
        name, fault, attempts = (letter.fields[field] for field in ("function", "fault", "attempts"))
        if fault == Fault.UNDELIVERABLE:
            yield f"{name} left {letter.fields['event_id']} to the broker's backstop"
        elif fault != Fault.REJECTED and attempts != world.topology.functions[name].attempts:
            yield f"{name} gave up after {attempts} attempts: {letter.fields['reason']}"
