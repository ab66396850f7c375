"""What the engine asks of the outside world. One behavioural suite (`tests/contract`) holds every adapter of a port to
what is said here, on the emulators and in memory."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from tidegate.breakers import Circuit
from tidegate.clock import Clock, system_clock
from tidegate.job_ports import Jobs
from tidegate.lanes import Lane
from tidegate.messages import Outgoing
from tidegate.records import Record
from tidegate.reports import Report
from tidegate.spans import NO_SPANS, Spans
from tidegate.traces import EVERY_TRACE, Sampling
from tidegate.versions import Version

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncClient
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

    from tidegate.controls import Controls


_SCHEDULED_AT_ONCE = 32


def full_jitter(most: float) -> float:
    """A pause between zero and ``most`` seconds, so that what collided once does not collide in step.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return random.uniform(0, most)  # noqa: S311 - spreads load, keeps no secret


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it was read, with the version to guard the next write by."""

    record: Record
    version: Version


@dataclass(frozen=True, slots=True)
class Written:
    """A write that stands.

    Attributes:
        version: the record's new version.
        counts: what the increments in its batch came to, in their order.
        beside: the new versions of the batch's documents, in their order; None for one that was deleted.
    """

    version: Version
    counts: tuple[float, ...] = ()
    beside: tuple[Version | None, ...] = ()


class Ledger(Protocol):
    """Keeps records. Safe for concurrent use by any number of processes."""

    async def write(
        self, key: str, record: Record, expected: Version | None, batch: "AsyncWriteBatch | None" = None
    ) -> Written:
        """Replace the record if it is still at version ``expected`` (None: if there is none yet).

        ``batch`` holds further writes; all of them and the record's stand together or not at all.
        The batch itself is left as it was, so that the same call can be made again.

        Raises:
            WriteConflict: ``expected`` or a precondition inside ``batch`` did not hold; nothing stands.
            WriteRefused: the store will never take this write; nothing stands.
            StoreUnavailable: no answer; the write may stand, now or later.
        """
        ...

    async def read(self, key: str) -> Stored | None:
        """The record as of now (strongly consistent), or None.

        Raises:
            StoreUnavailable: no answer.
        """
        ...


class Publisher(Protocol):
    """Hands messages to the broker."""

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish every message; messages of one ordering key in the order given.

        Raises:
            PublishFailed: at least one was not accepted; others may have been.
        """
        ...


class Timers(Protocol):
    """Publishes messages later."""

    async def schedule(self, message: Outgoing) -> None:
        """Have ``message`` published at its ``due`` time; again with the same event id, it changes nothing.

        Raises:
            PublishFailed: it was not accepted, or nobody knows.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredCircuit:
    """A circuit as it was read.

    Attributes:
        age: how long it has been so, by the store's clock at both ends.
        version: to guard the next write by.
    """

    circuit: Circuit
    age: timedelta
    version: Version


class Circuits(Protocol):
    """Shares what is known of dependencies. Safe for concurrent use by any number of processes."""

    async def read(self, dependency: str) -> StoredCircuit | None:
        """The circuit as of now, or None where it has never been opened.

        Raises:
            StoreUnavailable: no answer.
        """
        ...

    async def write(self, dependency: str, circuit: Circuit, expected: Version | None) -> Version:
        """Replace the circuit if it is still at version ``expected`` (None: if there is none yet).

        Raises:
            WriteConflict: it is not; nothing stands.
            StoreUnavailable: no answer; the write may stand.
        """
        ...


@dataclass(frozen=True, slots=True)
class StoredLane:
    """A lane as it was read, with the version to guard the next write by."""

    lane: Lane
    version: Version


class Lanes(Protocol):
    """Keeps what the events of one key share. Safe for concurrent use by any number of processes."""

    async def read(self, key: str) -> StoredLane | None:
        """The lane as of now, or None.

        Raises:
            StoreUnavailable: no answer.
        """
        ...

    async def write(self, key: str, lane: Lane, expected: Version | None) -> None:
        """Replace the lane if it is still at version ``expected`` (None: if there is none yet).

        Raises:
            WriteConflict: it is not; nothing stands.
            StoreUnavailable: no answer; the write may stand.
        """
        ...

    def joined(
        self, batch: "AsyncWriteBatch | None", key: str, lane: Lane | None, expected: Version | None
    ) -> "AsyncWriteBatch":
        """A new batch: the writes of ``batch``, then as the last one the lane's, guarded like that of `write`.

        A ``lane`` of None is deleted; then ``expected`` is its version.
        """
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that an engine works with.

    Attributes:
        firestore: makes or returns the Firestore client that handlers use; called on first use only.
        observe: is told once per delivery how it ended; must not raise.
        draw: returns a fresh random name, used for ``owner`` and for spans.
        jitter: draws a pause in seconds between zero and its argument (full jitter).
        spans: collects spans, where somebody does.
        sampling: which traces are collected.
        controls: makes or returns what the governor works with; None where it cannot run.
    """

    ledger: Ledger
    publisher: Publisher
    jobs: Jobs
    timers: Timers
    circuits: Circuits
    lanes: Lanes
    firestore: Callable[[], "AsyncClient"]
    observe: Callable[[Report], None]
    draw: Callable[[], str]
    clock: Clock = system_clock
    jitter: Callable[[float], float] = full_jitter
    spans: Spans = NO_SPANS
    sampling: Sampling = EVERY_TRACE
    controls: "Callable[[], Controls] | None" = None

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Publish what is due, and have the rest published when it is.

        Raises:
            PublishFailed: at least one was not accepted; others may have been.
        """
        if now := [each for each in messages if each.due is None]:
            await self.publisher.publish(now)
        later = [each for each in messages if each.due is not None]
        for start in range(0, len(later), _SCHEDULED_AT_ONCE):
            await asyncio.gather(*map(self.timers.schedule, later[start : start + _SCHEDULED_AT_ONCE]))
