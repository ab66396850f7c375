"""Runs of the gates: changes come in bursts while the world falls apart."""

import asyncio
from random import Random

from tests.simulation.faults import Chaos
from tests.simulation.gate_invariants import GateWatch, violations
from tests.simulation.gate_scenario import GateScenario
from tests.simulation.gates import Yard, application, yard
from tests.simulation.world import LONGEST_SECONDS, World
from tidegate.messages import Outgoing


async def change(scenario: GateScenario, chaos: Chaos, random: Random) -> tuple[list[str], float]:
    """Let a scenario happen and wait for its end, then redrive what is left."""
    yard.set(Yard())
    watch = GateWatch()
    world = World(chaos, random, *application(), watch=watch)
    moments = [(moment, each) for each in scenario.changes for moment in (each.at, each.again_at) if moment is not None]
    await asyncio.gather(*(_publish(world, moment, each.message) for moment, each in moments))
    if not await world.rests():
        return ["the run never came to rest", *await violations(world, watch, scenario)], LONGEST_SECONDS
    seconds = asyncio.get_running_loop().time()
    found = await violations(world, watch, scenario)
    yard.get().mended = True
    if not found and await world.redrive():
        chaos.note("the dead letters are redriven")
        found += [] if await world.rests() else ["the redrive never came to rest"]
        found += await violations(world, watch, scenario)
    await world.broker.close()
    return found, seconds


async def _publish(world: World, moment: float, message: Outgoing) -> None:
    await asyncio.sleep(moment)
    await world.broker.publish([message])
