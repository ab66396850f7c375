"""A small cloud in one thread: processes that die, a broker and a store whose answers get lost."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any

from google.cloud.firestore import AsyncClient

from tests.simulation.faults import Chaos, Process
from tests.simulation.faulty import FaultyFirestore, FaultyRequests, FaultySubscriptions, FaultyTimers, FaultyWire
from tests.simulation.watch import Watch, WatchedDocuments
from tidegate.adapters.firestore_circuits import BREAKERS, FirestoreCircuits
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.firestore_lanes import FirestoreLanes
from tidegate.adapters.firestore_ledger import FirestoreLedger
from tidegate.adapters.firestore_pauses import PAUSES, FirestorePauses
from tidegate.adapters.firestore_wire import wire_of
from tidegate.adapters.grouped_publisher import GroupedPublisher
from tidegate.adapters.memory_broker import MemoryBroker
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.memory_subscriptions import MemorySubscriptions
from tidegate.adapters.memory_timers import MemoryTimers
from tidegate.clock import Clock
from tidegate.controls import Controls
from tidegate.function_config import FunctionConfig
from tidegate.governing import SWEEP
from tidegate.handlers import Handler
from tidegate.messages import Message, Outgoing
from tidegate.pauses import WOKEN
from tidegate.ports import Ports
from tidegate.records import Fault
from tidegate.reports import Report
from tidegate.service import Service
from tidegate.topology import Topology
from tidegate_ops.embedded_application import subscription
from tidegate_ops.filed_letters import LetterFile, Selection
from tidegate_ops.redrive import Redrive

EPOCH = datetime(2013, 2, 8, 6, tzinfo=UTC)
INSTANCES = 2
SKEW_SECONDS = 5.0
RESTART_SECONDS = 3.0
LONGEST_SECONDS = 4 * 3600.0
"""Virtual time within which everything must have come to rest; the slowest runs take half an hour."""
SILENCE_SECONDS = 700.0
"""Longer than any late answer and, by clocks that differ, than any delay, of which the longest is that of a cool-down
of 600 s: after so much silence nothing can happen any more."""
_MISHAPS = (
    *("RuntimeError", "ConnectError", "HTTPStatusError", "TimeoutError"),
    *("StoreUnavailable", "PublishFailed", "SubscriptionUnavailable", "ServiceUnavailable", "DeadlineExceeded"),
    *("Ungoverned", "the handler's own preconditions failed"),
)
"""What handlers may fail of: their stories and partners raise the first, faults come to the next, the engine says
the rest."""

_process: ContextVar[Process] = ContextVar("process")


def asking() -> Process:
    """The process that runs at this moment."""
    return _process.get()


@dataclass
class World:
    """Everything outside of the handlers.

    Attributes:
        published: topic → messages, in the order in which the broker accepted them.
        reports: how each delivery ended that lived to tell.
        on_report: is told so, too.
        on_published: sees each message that the broker accepts.
        on_push: is told the function that the broker begins to push to.
    """

    chaos: Chaos
    random: Random
    topology: Topology
    handlers: Mapping[str, Handler]
    watch: Watch = field(default_factory=Watch)
    published: dict[str, list[Message]] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    on_report: Callable[[Report], None] = lambda report: None
    on_published: Callable[[Message], None] = lambda message: None
    on_push: Callable[[str], None] = lambda function: None

    def __post_init__(self) -> None:
        self.documents = WatchedDocuments(self.clock(0), records=self.watch)
        self.broker = MemoryBroker(
            sorted({*self.topology.topics, self.topology.dead_letter_topic}),
            clock=self.clock(0),
            observe=self._published,
        )
        self.timers = MemoryTimers(self.broker, clock=self.clock(0))
        self.subscriptions = MemorySubscriptions(self.broker)
        self._context = copy_context()
        self._numbers = itertools.count()
        self._fleets = {name: Fleet(self, handler) for name, handler in self.handlers.items()}
        for name, fleet in self._fleets.items():
            self.broker.subscribe(subscription(self.topology, name, fleet.push))
        if self.topology.subscribers(WOKEN):
            self._sweeps = asyncio.get_running_loop().create_task(self._sweep())

    def clock(self, skew_seconds: float) -> Clock:
        """A clock that is off by so much."""
        start, time = EPOCH + timedelta(seconds=skew_seconds), asyncio.get_running_loop().time
        return lambda: start + timedelta(microseconds=int(time() * 1e6))

    def process(self, name: str) -> tuple[Process, Ports]:
        """A new process, and the world as it sees it."""
        skew = self.random.uniform(-SKEW_SECONDS, SKEW_SECONDS)
        process = Process(f"{name}/{next(self._numbers)}", skew, self._context)
        client = self._client(process)
        return process, Ports(
            ledger=FirestoreLedger(FaultyWire(process, wire_of(client), self.chaos), jitter=self.random.random),
            publisher=GroupedPublisher(FaultyRequests(process, self.broker, self.chaos), "simulation"),
            jobs=FirestoreJobs(client, jitter=self.random.random),
            timers=FaultyTimers(process, self.timers, self.chaos),
            circuits=FirestoreCircuits(client, jitter=self.random.random),
            lanes=FirestoreLanes(client, jitter=self.random.random),
            firestore=lambda: client,
            observe=self._reported,
            draw=lambda: f"{self.random.getrandbits(64):016x}",
            clock=self.clock(skew),
            jitter=lambda most: self.random.uniform(0, most),
            controls=lambda: Controls(
                FirestorePauses(client, jitter=self.random.random),
                FaultySubscriptions(process, self.subscriptions, self.chaos),
            ),
        )

    def start(self, handler: Handler, config: FunctionConfig) -> tuple[Process, Service]:
        """A new process of one function."""
        process, ports = self.process(handler.name)
        return process, Service(handler, config, ports, {})

    async def redrive(self, function: str = "") -> int:
        """Send every open dead letter (of one function, if named) back, as an operator does; returns how many."""
        if not self.documents.list("dead_letters"):
            return 0
        file = LetterFile(memory_firestore(self.documents))
        redrive = Redrive(file, self.broker, self.topology, "operator", clock=self.clock(0))
        letters = await file.select(Selection(function=function) if function else Selection(all=True))
        for letter in letters:
            await redrive.send(letter, await file.payload(letter))
        return len(letters)

    async def rests(self) -> bool:
        """Wait until nothing is under way, nor can be: what answers late may still come, and must change nothing."""
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                before = -1
                while before != self.broker_load:
                    await self.broker.drained()
                    before = self.broker_load
                    await asyncio.sleep(SILENCE_SECONDS)
                await self.broker.drained()
        except TimeoutError:
            return False
        return True

    @property
    def broker_load(self) -> int:
        """How many messages the broker has accepted so far; less those that come each minute anyway."""
        return sum(len(messages) for topic, messages in self.published.items() if topic != WOKEN)

    async def _sweep(self) -> None:
        """Wake the governor each minute, as the schedule does, but not while there is nothing that it could find."""
        while True:
            await asyncio.sleep(SWEEP.total_seconds())
            if self.documents.list(BREAKERS) or self.documents.list(PAUSES):
                await self.broker.publish([Outgoing(WOKEN, b'{"cause": "a minute has passed"}')])

    def _client(self, process: Process) -> AsyncClient:
        client = memory_firestore(self.documents)
        client._firestore_api_internal = FaultyFirestore(process, client._firestore_api_internal, self.chaos)
        return client

    def _published(self, topic: str, message: Message) -> None:
        self.published.setdefault(topic, []).append(message)
        self.on_published(message)
        if self.chaos.traced:
            self.chaos.note(f"        {topic} ← {message.attributes.get('ce-id', message.id)[:8]}")

    def _reported(self, report: Report) -> None:
        self.reports.append(report)
        if blunder(report):
            self.watch.violations.append(f"{report.function} {report.event_id[:8]}: {report.reason}")
        self.on_report(report)
        if self.chaos.traced:
            self.chaos.note(f"        {report.function} {report.event_id[:8]}: {report.verdict} {report.reason}")
            if report.detail:
                self.chaos.note(report.detail)


class Fleet:
    """The instances of one function; one that dies is replaced after a while."""

    def __init__(self, world: World, handler: Handler) -> None:
        self._world = world
        self._handler = handler
        self._instances: list[tuple[Process, Service] | None] = [None] * INSTANCES

    async def push(self, headers: Mapping[str, str], body: bytes) -> int:
        """One request from the broker; the answer may get lost on its way, in both directions."""
        self._world.on_push(self._handler.name)
        return await self._world.chaos.io(
            None, f"push to {self._handler.name}", lambda: self._request(headers, body), ConnectionError
        )

    async def _request(self, headers: Mapping[str, str], body: bytes) -> int:
        process, service = await self._instance()
        return await run_in(process, lambda: _serve(service, headers, body)) or 502

    @cached_property
    def _config(self) -> FunctionConfig:
        return self._world.topology.config(self._handler.name)

    async def _instance(self) -> tuple[Process, Service]:
        place = self._world.random.randrange(INSTANCES)
        found = self._instances[place]
        if found is not None and not found[0].alive:
            await asyncio.sleep(RESTART_SECONDS)
            found = self._instances[place]
        if found is None or not found[0].alive:
            found = self._instances[place] = self._world.start(self._handler, self._config)
        return found


def blunder(report: Report) -> bool:
    """Whether it tells of a mistake in the runtime or in a story's handlers instead of a fault that was given."""
    return report.reason.startswith("fault in the runtime") or (
        report.fault == Fault.ERROR and not report.reason.startswith(_MISHAPS)
    )


async def run_in(process: Process, work: Callable[[], Coroutine[Any, Any, int]]) -> int | None:
    """Run ``work`` as a request of ``process``; None where the process died of it, or before its end."""

    async def inside() -> int:
        _process.set(process)
        return await work()

    task = asyncio.get_running_loop().create_task(inside(), context=process.context.copy())
    process.requests[task] = None
    task.add_done_callback(process.requests.pop)
    await asyncio.wait({task})
    return None if task.cancelled() else task.result()


async def _serve(service: Service, headers: Mapping[str, str], body: bytes) -> int:
    return (await service.receive(headers, body)).status
