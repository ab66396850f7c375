"""Pausing, resuming and draining functions of one project, for an operator."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.adapters.firestore_pauses import FirestorePauses
from tidegate.adapters.pubsub_subscriptions import PubSubSubscriptions
from tidegate.clock import Clock, system_clock
from tidegate.controls import Controls
from tidegate.errors import ConfigurationError, TidegateError
from tidegate.function_config import deployed_name
from tidegate.governing import Governor
from tidegate.pauses import Hold, Pause
from tidegate.ports import Circuits
from tidegate.settings import Settings
from tidegate.topology import Topology
from tidegate_ops.backlogs import Backlog, Backlogs, EmulatedBacklogs, MonitoredBacklogs
from tidegate_ops.connections import Connections, reading_session
from tidegate_ops.topology_faults import suggest

_FIRST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 1.0, 30.0
_SETTLING_SECONDS = 2.0  # after a pause, for deliveries under way to end and what they nack to wait again


class NotDrained(TidegateError):
    """The function's backlog was not worked off; the message says why, and what is the case now."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One function, as it is at the moment.

    Attributes:
        pause: what is wanted of it.
        pushes: whether its subscription pushes; unless somebody is just changing it, it does if it is not paused.
        backlog: None where nobody can tell.
    """

    function: str
    pause: Pause
    pushes: bool
    backlog: Backlog | None = None


class Pausing:
    """Acts on functions by the same rules as the governor, and without waiting for it."""

    def __init__(
        self,
        topology: Topology,
        controls: Controls,
        circuits: Circuits,
        backlogs: Backlogs,
        *,
        clock: Clock = system_clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.backlogs = backlogs
        self._topology = topology
        self._controls = controls
        self._governor = Governor(controls, circuits, clock=clock)
        self._clock = clock
        self._sleep = sleep

    async def look(self, function: str) -> Standing:
        """How a function stands; without its backlog.

        Raises:
            ConfigurationError: the topology has no such function.
        """
        self._require(function)
        stored, push = await asyncio.gather(
            self._controls.pauses.read(function), self._controls.subscriptions.read(deployed_name(function))
        )
        return Standing(function, stored.pause if stored else Pause(), push is not None)

    async def look_at_all(self) -> list[Standing]:
        """How every function stands; without the backlogs."""
        return list(await asyncio.gather(*map(self.look, sorted(self._topology.functions))))

    def countable(self, standings: Collection[Standing]) -> list[str]:
        """The functions whose backlogs can be told."""
        return [each.function for each in standings if self.backlogs.sees_running or not each.pushes]

    async def pause(self, function: str, by: str, reason: str) -> Standing:
        """Let what comes for a function wait; who has paused it before goes on doing so."""
        self._require(function)
        await self._governor.hold(function, Hold(by, reason, self._clock()))
        return await self.look(function)

    async def resume(self, function: str) -> Standing:
        """Let a function run again, unless the machine has cut it off."""
        self._require(function)
        await self._governor.release(function, self._topology.breakers_of(function))
        return await self.look(function)

    async def drain(self, function: str, by: str, reason: str, seconds: float) -> Standing:
        """Let a function work off what waits for it now, and then pause it.

        What is under way when it is paused ends by itself, and waits again if it fails.

        Raises:
            NotDrained: it is cut off, or has not come to an end within ``seconds``.
        """
        started = self._clock()
        _require_connected(await self.look(function))
        for wait in _waits(seconds):
            _require_connected(await self.resume(function))
            await self._sleep(wait)
            if not self.backlogs.sees_running:
                await self.pause(function, by, reason)
                await self._sleep(_SETTLING_SECONDS)
            if _is_drained((await self.backlogs.look([function])).get(function), started):
                return await self.pause(function, by, reason)
        await self.resume(function)
        raise NotDrained(f"{function} has not worked off its backlog within {seconds:g} s: it runs on, unpaused")

    def _require(self, function: str) -> None:
        if function not in self._topology.functions:
            raise ConfigurationError(
                f"{function!r} is no function of events in the topology: {suggest(function, self._topology.functions)}"
            )


def pausing_on(connections: Connections, settings: Settings, topology: Topology) -> Pausing:
    """The functions of the settings' project, on connections to it.

    Raises:
        ConfigurationError: there are no credentials for the project.
    """
    firestore, subscriber = connections.firestore, connections.subscriber
    controls = Controls(FirestorePauses(firestore), PubSubSubscriptions(subscriber, settings.project))
    backlogs: Backlogs
    if settings.pubsub_emulator_host:
        backlogs = EmulatedBacklogs(subscriber, settings.project)
    else:
        backlogs = MonitoredBacklogs(reading_session(), settings.project)
    return Pausing(topology, controls, FirestoreCircuits(firestore), backlogs)


def _require_connected(standing: Standing) -> None:
    if cut_off := standing.pause.cut_off:
        raise NotDrained(
            f"{standing.function} cannot be drained while {cut_off.dependency} is cut off: try again when it is not"
        )


def _is_drained(backlog: Backlog | None, started: datetime) -> bool:
    """Whether nothing is left that waited at ``started``; what came later may wait."""
    if backlog is None or backlog.as_of < started:
        return False
    return backlog.count == 0 or (backlog.oldest is not None and backlog.oldest > started)


def _waits(seconds: float) -> Iterator[float]:
    """Pauses between looks, ever longer, ``seconds`` in all."""
    wait = _FIRST_LOOK_SECONDS
    while seconds > 0:
        yield min(wait, seconds)
        seconds -= wait
        wait = min(_LONGEST_LOOK_SECONDS, wait * 2)
