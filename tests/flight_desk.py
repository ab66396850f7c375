"""The flight operations desk in this process, with the console that looks at it."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Self

from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.adapters.firestore_pauses import FirestorePauses
from tidegate.adapters.memory_broker import MemoryBroker
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.memory_subscriptions import MemorySubscriptions
from tidegate.client import Client
from tidegate.clock import system_clock
from tidegate.controls import Controls
from tidegate.events import Event
from tidegate.function_config import deployed_name
from tidegate.log_settings import LogSettings
from tidegate.logs import delivery_line
from tidegate.messages import Outgoing
from tidegate.reports import Report
from tidegate_ops.backlogs import Backlog
from tidegate_ops.console.application import application
from tidegate_ops.console.desk import Desk
from tidegate_ops.console.stack_metrics import StackMetrics
from tidegate_ops.demo.partner import Desk as PartnerDesk
from tidegate_ops.demo.partner import Settings as PartnerSettings
from tidegate_ops.demo.partner import make_app
from tidegate_ops.embedded_application import EmbeddedApplication
from tidegate_ops.embedded_server import EmbeddedServer
from tidegate_ops.emulators import DEFAULT_PROJECT
from tidegate_ops.insight.line_file import KeptLines, LineFile
from tidegate_ops.pausing import Pausing
from tidegate_ops.project import Project

PROJECT = Project.find(Path(__file__).parent)
_LOGS = LogSettings(DEFAULT_PROJECT, shows_data=True)
_PATIENCE = 60.0


class FlightDesk:
    """While entered, the application works in the loop that runs, and `console` shows it.

    Attributes:
        partner: what rebooks passengers; its settings can be changed.
    """

    def __init__(self, directory: Path, *, every_seconds: float = 0.05) -> None:
        self.topology = PROJECT.topology()
        self.metrics = StackMetrics(self.topology)
        self.partner = PartnerDesk(PartnerSettings(), random.Random(1))
        self._lines = LineFile(directory)
        self._directory = directory
        self._every_seconds = every_seconds

    async def __aenter__(self) -> Self:
        self._partner_server = EmbeddedServer(make_app(self.partner))
        self.application = EmbeddedApplication(
            self.topology,
            {name: PROJECT.load_handler(name) for name in self.topology.functions},
            {"gateway": PROJECT.load_http_handler("gateway")},
            environment={"REBOOKING_API_URL": self._partner_server.url.rstrip("/")},
            on_report=self._note,
            on_message=self.metrics.note_published,
        )
        self.firestore = memory_firestore(self.application.documents)
        self.gateway = EmbeddedServer(self.application.http["gateway"])
        self.desk = self._desk()
        self.console = application(self.desk, metrics=self.metrics)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(self.gateway.close(), self._partner_server.close())
        await self.application.timers.close()
        await self.application.broker.close()
        self._lines.close()

    async def publish(self, topic: str, data: Mapping[str, Any], event_id: str, key: str = "") -> None:
        """Publish an event, whether or not its data fits."""
        event = Event(event_id, topic, "/tests", json.dumps(data).encode(), system_clock(), version=1, key=key)
        await self.application.broker.publish([Outgoing(topic, event.data, event.attributes(), key)])

    async def submit(self, topic: str, data: Mapping[str, Any]) -> str:
        """Hand an event in at the front door; the id of its job."""
        async with Client(self.gateway.url) as client:
            return (await client.submit(topic=topic, data=data)).id

    async def open_letters(self, event_id: str = "") -> list[str]:
        """The ids of the open dead letters of events whose ids begin so, in the order of their deaths."""
        letters = [each for each in self.application.documents.list("dead_letters") if each.fields["state"] == "open"]
        letters.sort(key=lambda each: each.fields["died_at"])
        return [each.path.rpartition("/")[2] for each in letters if each.fields["event_id"].startswith(event_id)]

    async def letters(self, count: int) -> list[str]:
        """The ids of the open dead letters, once there are so many."""
        found: list[str] = await until(self.open_letters, lambda ids: len(ids) == count)
        return found

    def _desk(self) -> Desk:
        broker = self.application.broker
        controls = Controls(FirestorePauses(self.firestore), MemorySubscriptions(broker))
        circuits = FirestoreCircuits(self.firestore)
        return Desk(
            PROJECT,
            self.topology,
            "Local stack",
            "an operator",
            self.firestore,
            broker,
            Pausing(self.topology, controls, circuits, BrokerBacklogs(broker)),
            circuits,
            KeptLines(self._directory),
            self.metrics,
            client=lambda name: Client(self.gateway.url, patience=1) if name == "gateway" else None,
            every_seconds=self._every_seconds,
        )

    def _note(self, report: Report) -> None:
        line = json.dumps(delivery_line(report, _LOGS))
        self.metrics.note(line)
        self._lines.note(report.function, line)


class BrokerBacklogs:
    """Implements `Backlogs`: the broker in memory knows."""

    sees_running = True

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker

    async def look(self, functions: Any) -> Mapping[str, Backlog]:
        now = system_clock()
        return {each: Backlog(self._broker.backlog(deployed_name(each)), False, None, now) for each in functions}


async def until(ask: Callable[[], Awaitable[Any]], fits: Callable[[Any], bool]) -> Any:
    """What ``ask`` returns as soon as that fits."""
    async with asyncio.timeout(_PATIENCE):
        while not fits(answer := await ask()):  # noqa: ASYNC110 - what is asked tells nobody that it has changed
            await asyncio.sleep(0.01)
        return answer


def note(number: int = 3267, **values: Any) -> dict[str, Any]:
    """An edit of a flight's note that is in order, unless ``values`` say otherwise."""
    fields = {"flight_id": f"EV{number}-EWR-20130208", "base_version": 0, "text": "Snow.", "editor": "an editor"}
    return fields | values
