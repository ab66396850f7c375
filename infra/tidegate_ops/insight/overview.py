"""An application at a glance: what runs, what waits, what failed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TypeVar

from tidegate.breakers import Phase
from tidegate.clock import Clock, system_clock
from tidegate.errors import TidegateError
from tidegate.job_ports import Jobs
from tidegate.ports import Circuits
from tidegate.topology import Topology
from tidegate_ops.backlogs import Backlog
from tidegate_ops.dead_letter_file import DeadLetterFile
from tidegate_ops.insight.breakers import phases
from tidegate_ops.insight.traffic import Traffic, TrafficSource
from tidegate_ops.pausing import Pausing, Standing

T = TypeVar("T")

MOST_JOBS = 1_000
"""Of a topic's unsettled jobs, so many are counted."""


@dataclass(frozen=True, slots=True)
class Overview:
    """What is known at the moment; each part is empty where it is not known.

    Attributes:
        standings: how each function of events stands, with its backlog.
        breakers: where that of each dependency stands.
        letters: how many dead letters are open, by function; of those that the topology does not have, under ``""``.
        unsettled: how many jobs are under way, by topic; `MOST_JOBS` for so many and more.
        troubles: why parts are not known.
    """

    standings: Mapping[str, Standing] = field(default_factory=dict)
    traffic: Traffic | None = None
    breakers: Mapping[str, Phase] = field(default_factory=dict)
    letters: Mapping[str, int] = field(default_factory=dict)
    unsettled: Mapping[str, int] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Overlook:
    """Makes overviews of one project."""

    topology: Topology
    traffic: TrafficSource
    pausing: Pausing
    circuits: Circuits
    letters: DeadLetterFile
    jobs: Jobs
    clock: Clock = system_clock

    async def look(self) -> Overview:
        """The application as it is now; what cannot be read is named among the troubles."""
        troubles: list[str] = []

        async def attempt(ask: Callable[[], Awaitable[T]], otherwise: T) -> T:
            try:
                return await ask()
            except TidegateError as error:
                troubles.append(str(error))
                return otherwise

        nothing: dict[str, int] = {}
        unread: dict[str, Phase] = {}
        standings, traffic, breakers, letters, unsettled = await asyncio.gather(
            asyncio.gather(
                *(attempt(partial(self.pausing.look, each), None) for each in sorted(self.topology.functions))
            ),
            attempt(self.traffic.look, None),
            attempt(partial(phases, self.topology, self.circuits), unread),
            attempt(self.letters.count_open, nothing),
            attempt(self._unsettled, nothing),
        )
        found = {each.function: each for each in standings if each}
        backlogs = _told(traffic) or await attempt(partial(self._backlogs, found), {})
        return Overview(
            {name: replace(each, backlog=backlogs.get(name)) for name, each in found.items()},
            traffic,
            breakers,
            letters,
            unsettled,
            tuple(dict.fromkeys(troubles)),
        )

    async def _backlogs(self, standings: Mapping[str, Standing]) -> dict[str, Backlog]:
        """Only where looking costs nothing; on the emulator it counts as a delivery."""
        if not self.pausing.backlogs.sees_running:
            return {}
        return dict(await self.pausing.backlogs.look(list(standings)))

    async def _unsettled(self) -> dict[str, int]:
        accepting = (each.accepts for each in self.topology.http_functions.values())
        topics = sorted({topic for topics in accepting for topic in topics})
        since = self.clock() - timedelta(days=self.topology.limits.ledger_days)
        counts = await asyncio.gather(*(self.jobs.unsettled(each, since, MOST_JOBS) for each in topics))
        return dict(zip(topics, counts, strict=True))


def _told(traffic: Traffic | None) -> dict[str, Backlog]:
    """The backlogs that came with the traffic."""
    if traffic is None:
        return {}
    return {
        name: Backlog(each.backlog, False, None, traffic.as_of)
        for name, each in traffic.functions.items()
        if each.backlog is not None
    }
