"""One run: a story, a plan of faults, and the verdict over it."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from random import Random
from typing import Any, TypeAlias

from tests.simulation.faults import Chaos, Plan, Seeded
from tests.simulation.flights import fly
from tests.simulation.gate_run import change
from tests.simulation.gate_scenario import GateScenario
from tests.simulation.outage_scenario import OutageScenario
from tests.simulation.outages import endure
from tests.simulation.scenario import Scenario
from tests.simulation.trip_run import travel
from tests.simulation.trip_scenario import TripScenario
from tests.simulation.virtual_loop import run
from tidegate.testing.virtual_loop import Stuck

JOBS_EVERY = 20
"""One in so many seeds is about jobs, which take four times as long."""
GATES_EVERY = 40
"""One in so many seeds, beginning with `GATES_FROM`, is about limits per key and shedding."""
GATES_FROM = 10
OUTAGES_EVERY = 200
"""One in so many seeds, other ones, is about an outage, which takes ten times as long."""

Story: TypeAlias = Callable[[Chaos, Random], Coroutine[Any, Any, tuple[list[str], float]]]
"""What happens in a run; returns what was violated, and how long it took."""


@dataclass(frozen=True)
class Outcome:
    """How a run went; ``trace`` is for people.

    Attributes:
        operations: of each, whether who asked for it can die.
    """

    violations: list[str]
    trace: list[str]
    operations: list[bool]
    seconds: float


def play(story: Story, plan: Plan, random: Random, *, traced: bool = False) -> Outcome:
    """Run ``story`` under ``plan``; the same arguments give the same run."""
    chaos = Chaos(plan, random, traced)
    try:
        found, seconds = run(story(chaos, random))
    except Stuck as stuck:
        found, seconds = [f"the run is stuck: {stuck}"], 0.0
    return Outcome(found, chaos.trace, chaos.operations, seconds)


def seeded(seed: int, *, traced: bool = False) -> Outcome:
    """The run of a seed: scenario, rate and number of faults are drawn from it, too."""
    random = Random(seed)
    story = _drawn(seed, random)
    plan = Seeded(random, rate=random.choice([0.02, 0.1, 0.3]), most=random.randint(1, 12))
    return play(story, plan, random, traced=traced)


def _drawn(seed: int, random: Random) -> Story:
    if seed % OUTAGES_EVERY == 1:
        return outages(OutageScenario.drawn(random))
    if seed % GATES_EVERY == GATES_FROM:
        return gates(GateScenario.drawn(random))
    return trips(TripScenario.drawn(random)) if seed % JOBS_EVERY == 0 else flights(Scenario.drawn(random))


def flights(scenario: Scenario) -> Story:
    """The reference application at work."""
    return lambda chaos, random: fly(scenario, chaos, random)


def gates(scenario: GateScenario) -> Story:
    """Limits per key, and shedding, under bursts of changes."""
    return lambda chaos, random: change(scenario, chaos, random)


def trips(scenario: TripScenario) -> Story:
    """Jobs, from their submission to long after their end."""
    return lambda chaos, random: travel(scenario, chaos, random)


def outages(scenario: OutageScenario) -> Story:
    """A partner that is down for a while."""
    return lambda chaos, random: endure(scenario, chaos, random)
