"""A small cloud in one thread: processes that die, a broker and a store whose answers get lost."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import httpx
from google.api_core.exceptions import ServiceUnavailable
from google.cloud.firestore import AsyncClient

from tests.simulation.faults import Chaos, Process
from tests.simulation.partner import Partner
from tests.simulation.watch import Watch
from tidegate.adapters.memory_broker import MemoryBroker
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.memory_ledger import MemoryLedger
from tidegate.clock import Clock
from tidegate.errors import PublishFailed, StoreUnavailable
from tidegate.handlers import Handler
from tidegate.messages import Message, Outgoing
from tidegate.ports import Ledger, Ports, Publisher, Stored, Version
from tidegate.records import Record
from tidegate.reports import Report
from tidegate.service import Service
from tidegate.topology import Topology
from tidegate_ops.embedded_application import subscription
from tidegate_ops.filed_letters import LetterFile, Selection
from tidegate_ops.project import Project
from tidegate_ops.redrive import Redrive

EPOCH = datetime(2013, 2, 8, 6, tzinfo=UTC)
INSTANCES = 2
SKEW_SECONDS = 5.0
RESTART_SECONDS = 3.0
ATTEMPTS = 4

_process: ContextVar[Process] = ContextVar("process")


@cache
def application() -> tuple[Topology, dict[str, Handler]]:
    """The reference application itself: its topology and its handlers."""
    project = Project.find()
    topology = project.topology()
    return _impatient(topology), {name: project.load_handler(name) for name in topology.functions}


def _impatient(topology: Topology) -> Topology:
    """The same topology with few attempts, so that crash loops end soon and more schedules fit into a minute."""
    functions = {
        name: function.model_copy(update={"attempts": min(function.attempts, ATTEMPTS)})
        if function.attempts
        else function
        for name, function in topology.functions.items()
    }
    return topology.model_copy(update={"functions": functions})


@dataclass
class FaultyLedger:
    """The ledger as one process reaches it."""

    process: Process
    ledger: Ledger
    chaos: Chaos
    watch: Watch
    now: Clock

    async def write(self, key: str, record: Record, expected: Version | None, batch: Any = None) -> Version:
        async def act() -> Version:
            version = await self.ledger.write(key, record, expected, batch)
            self.watch.written(key, record, self.now())
            return version

        what = f"write {record.status} attempt {record.attempt} by {record.owner[:4]}"
        return await self.chaos.io(self.process, what, act, StoreUnavailable)

    async def read(self, key: str) -> Stored | None:
        return await self.chaos.io(self.process, "read", lambda: self.ledger.read(key), StoreUnavailable)


@dataclass
class FaultyPublisher:
    """The broker as one process reaches it."""

    process: Process
    publisher: Publisher
    chaos: Chaos

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        what = f"publish {len(messages)} to {', '.join(sorted({each.topic for each in messages}))}"
        await self.chaos.io(self.process, what, lambda: self.publisher.publish(messages), PublishFailed)


@dataclass
class FaultyFirestore:
    """The low-level Firestore service as one process reaches it: its writes may fail."""

    process: Process
    service: Any
    chaos: Chaos

    async def commit(self, **request: Any) -> Any:
        return await self.chaos.io(
            self.process, "handler's own write", lambda: self.service.commit(**request), ServiceUnavailable
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self.service, name)


@dataclass
class World:
    """Everything outside of the handlers.

    Attributes:
        published: topic → messages, in the order in which the broker accepted them.
        reports: how each delivery ended that lived to tell.
    """

    chaos: Chaos
    random: Random
    watch: Watch = field(default_factory=Watch)
    published: dict[str, list[Message]] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)

    def __post_init__(self) -> None:
        topology, handlers = application()
        self.topology = topology
        self.documents = MemoryDocuments(self.clock(0))
        self.broker = MemoryBroker(
            sorted({*topology.topics, topology.dead_letter_topic}), clock=self.clock(0), observe=self._published
        )
        self.partner = Partner(self.chaos)
        self._numbers = itertools.count()
        self._fleets = {name: Fleet(self, handler) for name, handler in handlers.items()}
        transport = self.partner.transport(_process.get)
        client = httpx.AsyncClient(transport=transport, trust_env=False)
        handlers["rebook_passengers"].call.__globals__["_client"] = lambda: client
        for name, fleet in self._fleets.items():
            self.broker.subscribe(subscription(topology, name, fleet.push))

    def clock(self, skew_seconds: float) -> Clock:
        """A clock that is off by so much."""
        start, time = EPOCH + timedelta(seconds=skew_seconds), asyncio.get_running_loop().time
        return lambda: start + timedelta(microseconds=int(time() * 1e6))

    def start(self, handler: Handler) -> tuple[Process, Service]:
        """A new process of one function."""
        skew = self.random.uniform(-SKEW_SECONDS, SKEW_SECONDS)
        process = Process(f"{handler.name}/{next(self._numbers)}", skew)
        ports = Ports(
            ledger=FaultyLedger(process, MemoryLedger(self.documents), self.chaos, self.watch, self.clock(0)),
            publisher=FaultyPublisher(process, self.broker, self.chaos),
            firestore=cache(lambda: self._client(process)),
            observe=self._reported,
            draw=lambda: f"{self.random.getrandbits(64):016x}",
            clock=self.clock(skew),
            jitter=lambda most: self.random.uniform(0, most),
        )
        return process, Service(handler, self.topology.config(handler.name), ports, {})

    async def redrive(self, function: str) -> int:
        """Send every open dead letter of a function back, as an operator does; returns how many there were."""
        file = LetterFile(memory_firestore(self.documents))
        redrive = Redrive(file, self.broker, self.topology, "operator", clock=self.clock(0))
        letters = await file.select(Selection(function=function))
        for letter in letters:
            await redrive.send(letter, await file.payload(letter))
        return len(letters)

    def _client(self, process: Process) -> AsyncClient:
        client = memory_firestore(self.documents)
        client._firestore_api_internal = FaultyFirestore(process, client._firestore_api_internal, self.chaos)
        return client

    def _published(self, topic: str, message: Message) -> None:
        self.published.setdefault(topic, []).append(message)
        if self.chaos.traced:
            self.chaos.note(f"        {topic} ← {message.attributes.get('ce-id', message.id)[:8]}")

    def _reported(self, report: Report) -> None:
        self.reports.append(report)
        if self.chaos.traced:
            self.chaos.note(f"        {report.function} {report.event_id[:8]}: {report.verdict} {report.reason}")


class Fleet:
    """The instances of one function; one that dies is replaced after a while."""

    def __init__(self, world: World, handler: Handler) -> None:
        self._world = world
        self._handler = handler
        self._instances: list[tuple[Process, Service] | None] = [None] * INSTANCES

    async def push(self, headers: Mapping[str, str], body: bytes) -> int:
        """One request from the broker; the answer may get lost on its way, in both directions."""
        return await self._world.chaos.io(
            None, f"push to {self._handler.name}", lambda: self._request(headers, body), ConnectionError
        )

    async def _request(self, headers: Mapping[str, str], body: bytes) -> int:
        process, service = await self._instance()
        task = asyncio.get_running_loop().create_task(_serve(process, service, headers, body))
        process.requests.add(task)
        task.add_done_callback(process.requests.discard)
        await asyncio.wait({task})
        return 502 if task.cancelled() else task.result()

    async def _instance(self) -> tuple[Process, Service]:
        place = self._world.random.randrange(INSTANCES)
        found = self._instances[place]
        if found is not None and not found[0].alive:
            await asyncio.sleep(RESTART_SECONDS)
            found = self._instances[place]
        if found is None or not found[0].alive:
            found = self._instances[place] = self._world.start(self._handler)
        return found


async def _serve(process: Process, service: Service, headers: Mapping[str, str], body: bytes) -> int:
    _process.set(process)
    return (await service.receive(headers, body)).status
