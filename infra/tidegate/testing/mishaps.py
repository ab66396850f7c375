"""A ledger that fails on purpose."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from tidegate.adapters.memory_ledger import MemoryLedger
from tidegate.errors import StoreUnavailable, WriteConflict, WriteRefused
from tidegate.ports import Stored, Written
from tidegate.records import Record
from tidegate.versions import Version

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch


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
        away: while it is true, every read and write fails, and nothing stands.
        unreadable: how many of the next reads fail.
        on_write: is called with each record that stands, before its answer is given.
        writes, reads: how many calls there were.
    """

    ledger: MemoryLedger
    script: deque[Mishap] = field(default_factory=deque)
    away: bool = False
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
        if self.away:
            mishap = Mishap.FAILS_BEFORE

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
        if self.away or self.unreadable:
            self.unreadable -= not self.away
            raise StoreUnavailable("the ledger is away")
        return await self.ledger.read(key)
