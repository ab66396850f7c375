"""Runs about a partner that is down for a while: the breaker opens, the governor pauses, an operator intervenes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from random import Random

import httpx

from tests.simulation.faults import Chaos, Placed, Process
from tests.simulation.flights import application
from tests.simulation.invariants import losses
from tests.simulation.outage_scenario import Holding, Manner, OutageScenario
from tests.simulation.outage_watch import FUNCTION, OutageWatch
from tests.simulation.partner import Partner
from tests.simulation.world import LONGEST_SECONDS, World, asking, run_in
from tidegate.dependency_limits import Breaker, Retries
from tidegate.errors import TidegateError
from tidegate.governing import Governor
from tidegate.handlers import Handler
from tidegate.pauses import Hold
from tidegate.ports import Ports
from tidegate.topology import Topology

ATTEMPTS = 60
"""More than any outage takes with its probes, or faults take of a governor: what dies has lost them to a mistake."""

_SETTLED_SECONDS = 420.0
"""After so long, no call that answers late can undo a pause any more, nor has the sweep after it to come."""


@cache
def station() -> tuple[Topology, dict[str, Handler]]:
    """The part of the reference application that needs the partner, with a breaker that soon opens."""
    topology, handlers = application()
    needed = {name: handlers[name] for name in (FUNCTION, "governor", "dead_letters")}
    partner = topology.dependencies["rebooking-api"].model_copy(
        update={
            "breaker": Breaker(failures=3, cool_down_seconds=20, longest_cool_down_seconds=600),
            "retries": Retries(attempts=2),
        }
    )
    functions = {name: topology.functions[name].model_copy(update={"attempts": ATTEMPTS}) for name in needed}
    changes = {"functions": functions, "dependencies": {"rebooking-api": partner}}
    return topology.model_copy(update=changes), needed


@dataclass
class FlakyPartner(Partner):
    """A partner that is down when the scenario says so."""

    down: Callable[[float], Manner | None] = lambda seconds: None

    async def _book(self, request: httpx.Request, process: Process) -> httpx.Response:
        match self.down(asyncio.get_running_loop().time()):
            case Manner.REFUSES:
                raise httpx.ConnectError("refused")
            case Manner.FAILS:
                return httpx.Response(503)
            case Manner.HANGS:
                await asyncio.sleep(60)
                return httpx.Response(504)
            case None:
                return await super()._book(request, process)


async def endure(scenario: OutageScenario, chaos: Chaos, random: Random) -> tuple[list[str], float]:
    """Let a scenario happen and wait until everything has come to rest."""
    topology, handlers = station()
    world = World(chaos, random, topology, handlers)
    watch = OutageWatch(world.broker, disturbed=chaos.plan != Placed({}))
    world.documents.watched, world.documents.observe = ("breakers/", "pauses/"), watch.changed
    world.on_push = watch.pushed
    partner = FlakyPartner(chaos, on_call=watch.called, down=scenario.manner_at)
    client = httpx.AsyncClient(transport=partner.transport(asking), trust_env=False)
    handlers[FUNCTION].call.__globals__["_client"] = lambda: client
    happenings: list[Awaitable[None]] = [_publish(world, scenario)]
    if scenario.holding:
        happenings.append(_hold(world, watch, scenario.holding))
    await asyncio.gather(*happenings)
    if not await world.rests():
        return ["the run never came to rest", *watch.violations], LONGEST_SECONDS
    seconds = asyncio.get_running_loop().time()
    watch.check_deliveries(len(scenario.flights))
    found = [*world.watch.violations, *watch.violations, *await losses(world), *_outcome(world, partner, scenario)]
    await world.broker.close()
    return found, seconds


async def _publish(world: World, scenario: OutageScenario) -> None:
    for seconds, message in zip(scenario.flights, scenario.messages(), strict=True):
        await _until(seconds)
        await world.broker.publish([message])


async def _hold(world: World, watch: OutageWatch, holding: Holding) -> None:
    """Pause the function, look whether it stays so, and let it go."""
    await _until(holding.start)
    watch.wanted = True
    await _insist(world, lambda governor, ports: governor.hold(FUNCTION, Hold("ann", "maintenance", ports.clock())))
    await asyncio.sleep(_SETTLED_SECONDS)
    watch.expect_silence()
    await _until(holding.end)
    watch.end_silence()
    watch.wanted = False
    await _insist(world, lambda governor, ports: governor.release(FUNCTION, ("rebooking-api",)))


async def _insist(world: World, act: Callable[[Governor, Ports], Awaitable[object]]) -> None:
    """Do what the command does, again until it says that it is done."""
    done = None
    while not done:
        process, ports = world.process("operator")
        assert ports.controls is not None
        governor = Governor(ports.controls(), ports.circuits, clock=ports.clock, jitter=ports.jitter)

        async def command(governor: Governor = governor, ports: Ports = ports) -> int:
            try:
                async with asyncio.timeout(30):
                    await act(governor, ports)
            except (TidegateError, TimeoutError):
                return 0
            return 1

        done = await run_in(process, command)
        await asyncio.sleep(0 if done else 5)


async def _until(seconds: float) -> None:
    await asyncio.sleep(max(0.0, seconds - asyncio.get_running_loop().time()))


def _outcome(world: World, partner: Partner, scenario: OutageScenario) -> list[str]:
    """What must have come of it: each flight booked once, nobody dead, and the function runs again."""
    found = []
    if sorted(partner.bookings.values()) != sorted(scenario.ids):
        found.append(f"booked were {sorted(partner.bookings.values())}, not {sorted(scenario.ids)}")
    if letters := world.documents.list("dead_letters"):
        found.append(f"{len(letters)} events died: {letters[0].fields['function']}, {letters[0].fields['reason']}")
    if world.broker.is_paused("rebook-passengers"):
        found.append("at rest its subscription is paused")
    document = world.documents.get(f"pauses/{FUNCTION}")
    if document and (document.fields["hold"] or document.fields["cut_off"]):
        found.append("at rest its pause is on")
    return found
