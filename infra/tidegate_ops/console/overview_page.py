"""The first page: the topology as a graph, with what goes through it."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate_ops.console.desk import Desk
from tidegate_ops.console.drains import Drains
from tidegate_ops.console.function_state import Tone, state_of
from tidegate_ops.console.topology_graph import TopologyGraph
from tidegate_ops.dead_letter_file import DeadLetterFile
from tidegate_ops.insight.overview import MOST_JOBS, Overlook


class OverviewPage:
    """Reads what the page shows."""

    def __init__(self, desk: Desk, drains: Drains) -> None:
        self._topology = desk.topology
        self._drains = drains
        self._graph = TopologyGraph(desk.topology)
        self._overlook = Overlook(
            desk.topology,
            desk.traffic,
            desk.pausing,
            desk.circuits,
            DeadLetterFile(desk.firestore, desk.topology),
            FirestoreJobs(desk.firestore),
            desk.clock,
        )

    async def read(self, request: Request) -> Mapping[str, Any]:
        """The state of everything."""
        found = await self._overlook.look()
        traffic = found.traffic
        states = {
            name: state_of(name, found.standings.get(name), traffic, draining=self._drains.under_way(name))
            for name in self._topology.functions
        }
        known = [each.waiting for each in states.values() if each.waiting is not None]
        return {
            "picture": self._graph.picture(states, traffic, found.letters),
            "states": states,
            "dead": found.letters,
            "dead_total": sum(found.letters.values()),
            "unsettled": sum(found.unsettled.values()),
            "many": max(found.unsettled.values(), default=0) >= MOST_JOBS,
            "traffic": traffic,
            "troubles": found.troubles,
            "per_second": sum(each.per_second for each in traffic.functions.values()) if traffic else None,
            "waiting": sum(known) if known else None,
            "attention": [name for name, each in states.items() if each.tone in (Tone.BAD, Tone.WAIT)],
        }
