"""What the engine asks of the outside world. Each port has a Google adapter and a memory adapter,
and one behavioural suite (`tests/contract`) that both pass."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from tidegate.clock import Clock, system_clock
from tidegate.messages import Outgoing
from tidegate.records import Record

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncClient
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

    from tidegate.reports import Report


def full_jitter(most: float) -> float:
    """A pause between zero and ``most`` seconds, so that what collided once does not collide in step.

    Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    return random.uniform(0, most)  # noqa: S311 - spreads load, keeps no secret


Version: TypeAlias = object
"""A record's version: opaque, compared by the store alone (Firestore: the document's update time)."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it was read, with the version to guard the next write by."""

    record: Record
    version: Version


class Ledger(Protocol):
    """Keeps records. Safe for concurrent use by any number of processes."""

    async def write(
        self, key: str, record: Record, expected: Version | None, batch: "AsyncWriteBatch | None" = None
    ) -> Version:
        """Replace the record if it is still at version ``expected`` (None: if there is none yet).

        ``batch`` holds further writes; all of them and the record's stand together or not at all.
        The batch itself is left as it was, so that the same call can be made again.

        Returns:
            The record's new version.

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


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that an engine works with.

    Attributes:
        firestore: makes or returns the Firestore client that handlers use; called on first use only.
        observe: is told once per delivery how it ended; must not raise.
        draw: returns a fresh random name, used for ``owner``.
        jitter: draws a pause in seconds between zero and its argument (full jitter).
    """

    ledger: Ledger
    publisher: Publisher
    firestore: Callable[[], "AsyncClient"]
    observe: Callable[["Report"], None]
    draw: Callable[[], str]
    clock: Clock = system_clock
    jitter: Callable[[float], float] = full_jitter
