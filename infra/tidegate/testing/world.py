"""A world in memory for functions: a ledger, documents, a publisher that remembers, time that costs nothing."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.firestore_lanes import FirestoreLanes
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.memory_ledger import MemoryLedger
from tidegate.contracts import Contract
from tidegate.dead_letters import DeadLetter
from tidegate.deliveries import Delivery as Reading
from tidegate.emissions import Emission
from tidegate.engine import Engine
from tidegate.errors import ConfigurationError
from tidegate.events import Event
from tidegate.function_config import FunctionConfig
from tidegate.handlers import Handler
from tidegate.inputs import Inbound
from tidegate.messages import Message, Outgoing
from tidegate.ports import Ports
from tidegate.records import Record, record_key
from tidegate.reports import Report
from tidegate.testing.clock import WorldClock
from tidegate.testing.delivery import TRACE, Delivery, arriving
from tidegate.testing.documents import Documents
from tidegate.testing.mishaps import FaultyLedger
from tidegate.testing.outlets import SENT, RecordingPublisher, RecordingTimers
from tidegate.testing.outside import FailingDependencies
from tidegate.testing.pipeline import Pipeline, Run
from tidegate.testing.virtual_loop import VirtualLoop
from tidegate.topology import Topology
from tidegate_ops.project import Project
from tidegate_ops.topology_faults import suggest

Handled = Contract | DeadLetter | Outgoing | bytes
"""What can be delivered: an event of the function's contract, a letter, what was published, or any bytes."""


@dataclass(frozen=True, slots=True)
class _Instance:
    """A function that runs."""

    handler: Handler
    config: FunctionConfig
    engine: Engine
    dependencies: FailingDependencies


class World:
    """What functions work with, all of it in memory. Each world is new and belongs to one test.

    Functions of the project are named, and have the limits of its topology. Others are given as
    they are, undecorated, and have defaults.

    Attributes:
        documents: the application's own documents, to be set and compared.
        environment: the variables that functions find their dependencies by; set them before the first delivery.
        ledger: keeps the records; while its ``away`` is true it fails, and its ``script`` can say more.
        publisher: keeps what `deliver` published; `RecordingPublisher.fail` makes its next calls fail.
        timers: keep what `deliver` scheduled for later.
        reports: how each delivery by `deliver` ended. A `Run` has all of this for itself.
    """

    def __init__(self, project: Project | None = None, topology: Topology | None = None) -> None:
        """Without a project, functions are given and not named. ``topology`` is that of the project, read already."""
        self._project = project
        self._topology = topology or (project.topology() if project else None)
        self.clock = WorldClock()
        self.store = MemoryDocuments(self.clock)
        self.documents = Documents(self.store)
        self.environment: dict[str, str] = {}
        self.ledger = FaultyLedger(MemoryLedger(self.store))
        self.publisher = RecordingPublisher()
        self.firestore = memory_firestore(self.store)
        self.timers = RecordingTimers()
        self.reports: list[Report] = []
        owners = itertools.count(1)
        self.ports = Ports(
            ledger=self.ledger,
            publisher=self.publisher,
            jobs=FirestoreJobs(self.firestore, jitter=lambda: 0.0),
            timers=self.timers,
            circuits=FirestoreCircuits(self.firestore, jitter=lambda: 0.0),
            lanes=FirestoreLanes(self.firestore, jitter=lambda: 0.0),
            firestore=lambda: self.firestore,
            observe=self.reports.append,
            draw=lambda: f"owner-{next(owners)}",
            clock=self.clock,
            jitter=lambda _: 0.0,
        )
        self._instances: dict[object, _Instance] = {}
        self._events = itertools.count(1)
        self._messages = itertools.count(1)

    async def deliver(
        self, function: str | Callable[..., Any], event: Handled, *, event_id: str = "", key: str = ""
    ) -> Delivery:
        """Deliver one event to one function, and see how that ends. What it emits goes no further.

        Args:
            function: the name of one of the project's, or an undecorated handler.
            event_id: two deliveries of one id are of one event; by default each is an event of its own.
            key: the ordering key.
        """
        instance = self._instance(function)
        return await self._deliver(instance, self._inbound(instance, event, event_id, key))

    async def redeliver(self, delivery: Delivery) -> Delivery:
        """Deliver the same message to the same function again, as Pub/Sub does with what was not acked."""
        return await self._deliver(self._instance(delivery.handler.name), delivery.inbound)

    def fail_dependency(self, function: str | Callable[..., Any], name: str, error: Exception, times: int = 1) -> None:
        """Make the function's next uses of a dependency fail, before anything is called; `run` notices nothing."""
        self._instance(function).dependencies.fail(name, error, times)

    async def run(self, *events: Contract | Emission[Any] | Outgoing) -> Run:
        """Publish events to the whole application, and let it work until it is at rest.

        Retries wait as the topology says. What is due later is published when time has passed by `advance`.
        An ordering key comes with `emit`; an `Outgoing` is published as it is, be it an event or not.
        """
        return await self._pipeline.run([self._outgoing(each) for each in events])

    async def redrive(self, mended: Contract | None = None) -> Run:
        """Send every open dead letter back to the function that gave it up, and let the application work.

        Args:
            mended: goes back in place of each letter's own data.
        """
        return await self._pipeline.redrive(mended.to_json() if mended else b"")

    async def advance(self, seconds: float) -> None:
        """Let time pass: leases run out, breakers cool down. It takes no time of anybody's."""
        if not isinstance(asyncio.get_running_loop(), VirtualLoop):
            raise RuntimeError("time passes here in a virtual loop alone: let the test take the fixture `world`")
        await asyncio.sleep(seconds)

    def handler(self, name: str) -> Handler:
        """The handler of one of the project's functions, imported anew for this world."""
        return self._instance(name).handler

    def config(self, name: str) -> FunctionConfig:
        """What the topology says of one of the project's functions."""
        return self._instance(name).config

    def engine(self, call: Callable[..., Any], *, pure: bool = False, io_seconds: float = 5, **options: Any) -> Engine:
        """An instance of the function ``call`` of its own; ``options`` are those of `config_of`."""
        handler = Handler.inspect(call, pure=pure)
        return self._made(handler, config_of(handler, **options), io_seconds).engine

    async def record(self, function: str, key: str = "event-1") -> Record:
        """The record of ``function`` under the idempotency key ``key``; there must be one."""
        stored = await self.ledger.ledger.read(record_key(function, key))
        assert stored is not None
        return stored.record

    async def _deliver(self, instance: _Instance, inbound: Inbound) -> Delivery:
        sent: list[Outgoing] = []
        token = SENT.set(sent)
        try:
            report = await instance.engine.deliver(inbound)
        finally:
            SENT.reset(token)
        key = Reading.read(inbound, instance.handler, instance.config, self.clock()).key
        stored = await self.ledger.ledger.read(record_key(instance.config.function, key))
        return Delivery(
            instance.handler, instance.config, inbound, report, tuple(sent), stored.record if stored else None
        )

    def _instance(self, function: str | Callable[..., Any]) -> _Instance:
        if function not in self._instances:
            if callable(function):
                handler = Handler.inspect(function, pure=False)
                instance = self._made(handler, config_of(handler))
            else:
                project, topology = self._application
                if function not in topology.functions:
                    known = suggest(function, topology.functions)
                    raise ConfigurationError(f"no function {function} in {project.topology_path.name}: {known}")
                instance = self._made(project.load_handler(function), topology.config(function))
            self._instances[function] = self._instances[instance.handler.name] = instance
        return self._instances[function]

    def _made(self, handler: Handler, config: FunctionConfig, io_seconds: float = 5) -> _Instance:
        dependencies = FailingDependencies(config.dependencies, self.environment, self.ports)
        engine = Engine(handler, config, self.ports, dependencies, io_seconds=io_seconds)
        return _Instance(handler, config, engine, dependencies)

    @property
    def _application(self) -> tuple[Project, Topology]:
        if self._project is None or self._topology is None:
            raise ConfigurationError("this world has no project: take the fixture `world`, or give it one")
        return self._project, self._topology

    @cached_property
    def _pipeline(self) -> Pipeline:
        _, topology = self._application
        return Pipeline(
            topology,
            {name: self.handler(name) for name in topology.functions},
            clock=self.clock,
            documents=self.store,
            ledger=self.ledger,
            environment=self.environment,
        )

    def _inbound(self, instance: _Instance, event: Handled, event_id: str, key: str) -> Inbound:
        message_id = f"message-{next(self._messages)}"
        match event:
            case DeadLetter():
                return arriving(event.outgoing(instance.config.topic, TRACE), message_id)
            case Outgoing():
                return arriving(event, message_id)
            case bytes():
                made = self._event(instance.config.topic, event, None, event_id, key)
            case _:
                made = self._event(event.event_type, event.to_json(), event.event_version, event_id, key)
        return Inbound(Message(message_id, made.data, made.attributes(), self.clock() - timedelta(seconds=1)))

    def _outgoing(self, event: Contract | Emission[Any] | Outgoing) -> Outgoing:
        if isinstance(event, Outgoing):
            return event
        data, key = (event.event, event.key) if isinstance(event, Emission) else (event, "")
        made = self._event(data.event_type, data.to_json(), data.event_version, key=key)
        return Outgoing(made.type, made.data, made.attributes(), key)

    def _event(self, kind: str, data: bytes, version: int | None, event_id: str = "", key: str = "") -> Event:
        number = next(self._events)
        return Event(event_id or f"event-{number}", kind, "/tests", data, self.clock(), version=version, key=key)


def config_of(handler: Handler, **options: Any) -> FunctionConfig:
    """The configuration that suits ``handler``, with ``options`` instead of the defaults."""
    timeout = options.get("timeout_seconds", 60.0)
    defaults: Mapping[str, Any] = {
        "function": handler.name,
        "topic": handler.contract.event_type if issubclass(handler.contract, Contract) else "dead.letters",
        "emits": tuple(each.event_type for each in handler.emits),
        "timeout_seconds": timeout,
        "lease_seconds": timeout + 15,
        "attempts": 3,
        "concurrency": 4,
        "dead_letter_topic": "dead.letters",
        "ledger_days": 45,
    }
    return FunctionConfig.model_validate({**defaults, **options})
