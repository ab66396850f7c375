"""One run: a scenario, a plan of faults, and the verdict over it."""

import asyncio
from dataclasses import dataclass
from random import Random

from tests.simulation.faults import Chaos, Plan, Seeded
from tests.simulation.invariants import violations
from tests.simulation.scenario import Scenario
from tests.simulation.virtual_loop import Stuck, run
from tests.simulation.world import World

LONGEST_SECONDS = 24 * 3600.0
"""Virtual time within which everything must have come to rest."""
_SILENCE_SECONDS = 600.0
"""Longer than any late answer: after so much silence nothing can happen any more."""


@dataclass(frozen=True)
class Outcome:
    """How a run went; ``trace`` is for people."""

    violations: list[str]
    trace: list[str]
    operations: int
    seconds: float


def play(scenario: Scenario, plan: Plan, random: Random, *, traced: bool = False) -> Outcome:
    """Run ``scenario`` under ``plan``; the same arguments give the same run."""
    chaos = Chaos(plan, random, traced)

    async def main() -> tuple[list[str], float]:
        world = World(chaos, random)
        await world.broker.publish(scenario.messages())
        if not await _rests(world):
            return ["the run never came to rest", *await violations(world, scenario)], LONGEST_SECONDS
        found = await violations(world, scenario)
        seconds = asyncio.get_running_loop().time()
        world.partner.mended = True
        if await world.redrive("rebook_passengers"):
            chaos.note("the partner is mended; its dead letters are redriven")
            rests = await _rests(world)
            found += [] if rests else ["the redrive never came to rest"]
            found += await violations(world, scenario)
        await world.broker.close()
        return found, seconds

    try:
        found, seconds = run(main())
    except Stuck as stuck:
        found, seconds = [f"the run is stuck: {stuck}"], 0.0
    return Outcome(found, chaos.trace, chaos.operations, seconds)


async def _rests(world: World) -> bool:
    """Wait until nothing is under way, nor can be: what answers late may still come, and must change nothing."""
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await world.broker.drained()
            await asyncio.sleep(_SILENCE_SECONDS)
            await world.broker.drained()
    except TimeoutError:
        return False
    return True


def seeded(seed: int, *, traced: bool = False) -> Outcome:
    """The run of a seed: scenario, rate and number of faults are drawn from it, too."""
    random = Random(seed)
    scenario = Scenario.drawn(random)
    plan = Seeded(random, rate=random.choice([0.02, 0.1, 0.3]), most=random.randint(1, 12))
    return play(scenario, plan, random, traced=traced)
