"""Runs of the reference application itself, whose events belong to no job."""

import asyncio
from functools import cache
from random import Random

import httpx

from tests.simulation.faults import Chaos
from tests.simulation.invariants import violations
from tests.simulation.partner import Partner
from tests.simulation.scenario import Scenario
from tests.simulation.world import LONGEST_SECONDS, World, asking
from tidegate.handlers import Handler
from tidegate.topology import Topology
from tidegate_ops.project import Project

ATTEMPTS = 4


@cache
def application() -> tuple[Topology, dict[str, Handler]]:
    """The reference application itself: its topology and its handlers."""
    project = Project.find()
    topology = project.topology()
    return impatient(topology, ATTEMPTS), {name: project.load_handler(name) for name in topology.functions}


def impatient(topology: Topology, attempts: int) -> Topology:
    """The same topology with few attempts, so that crash loops end soon and more schedules fit into a minute."""
    functions = {
        name: function.model_copy(update={"attempts": min(function.attempts, attempts)})
        if function.attempts
        else function
        for name, function in topology.functions.items()
    }
    return topology.model_copy(update={"functions": functions})


async def fly(scenario: Scenario, chaos: Chaos, random: Random) -> tuple[list[str], float]:
    """Publish a scenario and wait for its end, twice: the second time with a mended partner."""
    topology, handlers = application()
    world = World(chaos, random, topology, handlers)
    partner = Partner(chaos)
    client = httpx.AsyncClient(transport=partner.transport(asking), trust_env=False)
    handlers["rebook_passengers"].call.__globals__["_client"] = lambda: client
    await world.broker.publish(scenario.messages())
    if not await world.rests():
        return ["the run never came to rest", *await violations(world, partner, scenario)], LONGEST_SECONDS
    found = await violations(world, partner, scenario)
    seconds = asyncio.get_running_loop().time()
    partner.mended = True
    if await world.redrive("rebook_passengers"):
        chaos.note("the partner is mended; its dead letters are redriven")
        rests = await world.rests()
        found += [] if rests else ["the redrive never came to rest"]
        found += await violations(world, partner, scenario)
    await world.broker.close()
    return found, seconds
