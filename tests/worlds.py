"""A world in memory for one function: a ledger, a publisher that remembers, a clock that stands until it is moved.

Everything in it can be told to fail: `World.ledger` follows a script of `Mishap`s, `World.publisher` one of errors.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.firestore_lanes import FirestoreLanes
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.memory_ledger import MemoryLedger
from tidegate.contracts import Contract
from tidegate.dependencies import Dependencies
from tidegate.engine import Engine
from tidegate.errors import PublishFailed, StoreUnavailable, WriteConflict, WriteRefused
from tidegate.events import Event
from tidegate.handlers import Handler
from tidegate.inputs import Inbound
from tidegate.messages import Message, Outgoing
from tidegate.ports import Ports, Stored, Version, Written
from tidegate.records import Record, record_key
from tidegate.reports import Report
from tidegate.topology import FunctionConfig
from tidegate.traces import TraceContext

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

NOON = datetime(2013, 2, 8, 12, tzinfo=UTC)

TRACE = TraceContext("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", flags=1)
"""A span that is sampled."""


class OrderPlaced(Contract, type="order.placed", version=1):
    """What the functions under test consume."""

    order_id: str = "o-1"
    items: int = 1


class OrderPacked(Contract, type="order.packed", version=1):
    """What they emit."""

    order_id: str = "o-1"
    parcel: int = 0


@dataclass
class StandingClock:
    """A clock that stands still until somebody moves it."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class RecordingPublisher:
    """Keeps what is published; fails with the errors in ``failures``, in turn, None standing for success."""

    published: list[Outgoing] = field(default_factory=list)
    failures: deque[Exception | None] = field(default_factory=deque)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        failure = self.failures.popleft() if self.failures else None
        if failure is not None:
            raise failure
        self.published.extend(messages)

    def fail(self, times: int = 1) -> None:
        """Make the next calls fail."""
        self.failures.extend([PublishFailed("the broker is away")] * times)

    def ids(self, topic: str) -> list[str]:
        """The event ids published on ``topic``, in order."""
        return [each.attributes["ce-id"] for each in self.published if each.topic == topic]


@dataclass
class RecordingTimers:
    """Keeps what is scheduled."""

    scheduled: list[Outgoing] = field(default_factory=list)

    async def schedule(self, message: Outgoing) -> None:
        self.scheduled.append(message)


class Mishap(Enum):
    """What can happen to one write."""

    NONE = auto()
    FAILS_BEFORE = auto()
    """An error, and nothing stands."""
    FAILS_AFTER = auto()
    """An error, and the write stands."""
    SILENT = auto()
    """No answer, and nothing stands."""
    LANDS_SILENTLY = auto()
    """No answer, and the write stands."""
    LANDS_LATE = auto()
    """An error; the write arrives just before the next one."""
    CONFLICTS = auto()
    """A refusal without a reason: the version was the right one."""
    REFUSED = auto()
    """The store will never take it."""


@dataclass
class FaultyLedger:
    """A ledger in front of another, to whose writes the ``script`` happens, in turn.

    Attributes:
        unreadable: how many of the next reads fail.
        on_write: is called with each record that stands, before its answer is given.
        writes, reads: how many calls there were.
    """

    ledger: MemoryLedger
    script: deque[Mishap] = field(default_factory=deque)
    unreadable: int = 0
    on_write: Callable[[Record], object] = lambda record: None
    writes: int = 0
    reads: int = 0
    _late: Callable[[], Awaitable[Any]] | None = None

    async def write(
        self, key: str, record: Record, expected: Version | None, batch: "AsyncWriteBatch | None" = None
    ) -> Written:
        self.writes += 1
        late, self._late = self._late, None
        if late:
            with suppress(WriteConflict):
                await late()
        mishap = self.script.popleft() if self.script else Mishap.NONE

        async def through() -> Written:
            written = await self.ledger.write(key, record, expected, batch)
            self.on_write(record)
            return written

        match mishap:
            case Mishap.NONE:
                return await through()
            case Mishap.CONFLICTS:
                raise WriteConflict("refused")
            case Mishap.REFUSED:
                raise WriteRefused("too large")
            case Mishap.FAILS_AFTER:
                await through()
            case Mishap.LANDS_LATE:
                self._late = through
            case Mishap.SILENT:
                await asyncio.Event().wait()
            case Mishap.LANDS_SILENTLY:
                await through()
                await asyncio.Event().wait()
            case Mishap.FAILS_BEFORE:
                pass
        raise StoreUnavailable("the ledger is away")

    async def read(self, key: str) -> Stored | None:
        self.reads += 1
        if self.unreadable:
            self.unreadable -= 1
            raise StoreUnavailable("the ledger is away")
        return await self.ledger.read(key)


class World:
    """What one function's engine works with; several engines on it are several instances of the function.

    Attributes:
        reports: how each delivery ended.
    """

    def __init__(self) -> None:
        self.clock = StandingClock()
        self.documents = MemoryDocuments(self.clock)
        self.ledger = FaultyLedger(MemoryLedger(self.documents))
        self.publisher = RecordingPublisher()
        self.firestore = memory_firestore(self.documents)
        self.jobs = FirestoreJobs(self.firestore, jitter=lambda: 0.0)
        self.timers = RecordingTimers()
        self.reports: list[Report] = []
        owners = itertools.count(1)
        self.ports = Ports(
            ledger=self.ledger,
            publisher=self.publisher,
            jobs=self.jobs,
            timers=self.timers,
            circuits=FirestoreCircuits(self.firestore, jitter=lambda: 0.0),
            lanes=FirestoreLanes(self.firestore, jitter=lambda: 0.0),
            firestore=lambda: self.firestore,
            observe=self.reports.append,
            draw=lambda: f"owner-{next(owners)}",
            clock=self.clock,
            jitter=lambda _: 0.0,
        )

    def engine(self, call: Callable[..., Any], *, pure: bool = False, io_seconds: float = 5, **options: Any) -> Engine:
        """An instance of the function ``call``; ``options`` are those of `config_of`."""
        handler = Handler.inspect(call, pure=pure)
        config = config_of(handler, **options)
        return Engine(
            handler, config, self.ports, Dependencies(config.dependencies, {}, self.ports), io_seconds=io_seconds
        )

    async def record(self, function: str, key: str = "event-1") -> Record:
        """The record of ``function`` under the idempotency key ``key``; there must be one."""
        stored = await self.ledger.ledger.read(record_key(function, key))
        assert stored is not None
        return stored.record

    def fields(self, path: str) -> dict[str, Any] | None:
        """A document's fields, or None where there is none."""
        document = self.documents.get(path)
        return document.fields if document else None


def config_of(handler: Handler, **options: Any) -> FunctionConfig:
    """The configuration that suits ``handler``, with ``options`` instead of the defaults."""
    timeout = options.get("timeout_seconds", 60.0)
    defaults: dict[str, Any] = {
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
    return FunctionConfig.model_validate(defaults | options)


def order(event_id: str = "event-1", order_id: str = "o-1", *, items: int = 1, **changes: Any) -> Inbound:
    """An order as it arrives; ``changes`` are those of its `Event`."""
    data = OrderPlaced(order_id=order_id, items=items).to_json()
    return arriving(Event(**{"data": data, "id": event_id, **_ORDER, **changes}))


def arriving(event: Event) -> Inbound:
    """An event as the broker delivers it."""
    return Inbound(Message(f"message-of-{event.id}", event.data, event.attributes(), NOON - timedelta(seconds=1)))


def handed_on(outgoing: Outgoing) -> Inbound:
    """What was published, as it arrives at a subscriber."""
    return Inbound(Message("message", outgoing.data, outgoing.attributes, NOON))


_ORDER: dict[str, Any] = {"type": "order.placed", "source": "/shop", "time": NOON, "version": 1}
