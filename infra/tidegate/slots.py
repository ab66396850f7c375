"""A delivery's view of its record, and the only way to write it."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from tidegate.errors import LeaseLost, StoreUnavailable, WriteConflict
from tidegate.ports import Ports, Stored
from tidegate.records import Record, Status
from tidegate.versions import Version

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

T = TypeVar("T")

_TRIES = 4
_FIRST_PAUSE_SECONDS = 0.05


class Contested(LeaseLost):
    """Somebody else wrote the record meanwhile; `stored` is what it is now."""

    def __init__(self, stored: Stored | None) -> None:
        super().__init__("another delivery has written the record since")
        self.stored = stored


class StateConflict(WriteConflict):
    """A precondition inside the handler's own batch did not hold; the record is still ours."""


class Slot:
    """One record, as one delivery knows it.

    Every write is guarded by the version seen last. A write without a clear answer is settled by
    reading the record and comparing it with what was to be written: `Record.owner` is drawn per
    delivery, so equality means that our write stands. Writes wait for one another, and a conclusion
    keeps every step of its own delivery, also one whose answer nobody waited for.

    Attributes:
        record: as it was read or written last; None where there is none.
        io_seconds: the longest that one call to the ledger may take.
        counts: what the increments of the last write came to; empty where nobody knows.
        beside: the versions of the documents that were written together with it, likewise.
    """

    def __init__(self, ports: Ports, key: str, io_seconds: float) -> None:
        self.key = key
        self.record: Record | None = None
        self.counts: tuple[float, ...] = ()
        self.beside: tuple[Version | None, ...] = ()
        self._version: Version | None = None
        self._ports = ports
        self.io_seconds = io_seconds
        self._writing = asyncio.Lock()

    async def write(self, record: Record, batch: "AsyncWriteBatch | None" = None) -> None:
        """Make ``record`` the record, together with ``batch``.

        Raises:
            Contested: another delivery has written it; nothing of ours stands, nor ever will.
            StateConflict: a precondition in ``batch`` did not hold; the record is unchanged.
            LeaseLost: this very delivery has concluded the record; its claim is over.
            WriteRefused: the store will never take this.
            StoreUnavailable: no clear answer in several tries; the write may stand.
        """
        async with self._writing:
            if self.record is not None and self.record.owner == record.owner:
                if record.status is Status.CLAIMED and self.record.status is not Status.CLAIMED:
                    raise LeaseLost("the delivery has ended; a step that it left behind comes too late")
                record = _with_steps(record, self.record)
            await self._write(record, batch)

    async def _write(self, record: Record, batch: "AsyncWriteBatch | None") -> None:
        for attempt in range(_TRIES):
            refused = False
            try:
                written = await self._bounded(self._ports.ledger.write(self.key, record, self._version, batch))
            except WriteConflict:
                refused = True
            except StoreUnavailable:
                pass
            else:
                self.meet(Stored(record, written.version))
                self.counts, self.beside = written.counts, written.beside
                return
            stored = await self._bounded(self._ports.ledger.read(self.key))
            if stored is not None and stored.record == record:
                self.meet(stored)
                return
            if (stored.version if stored else None) != self._version:
                if stored is None or not self._is_own_step(stored.record):
                    raise Contested(stored)
                self.meet(stored)
                record = _with_steps(record, stored.record)
            elif refused and batch is not None:
                raise StateConflict("a precondition of the handler's own writes did not hold")
            await asyncio.sleep(self._ports.jitter(_FIRST_PAUSE_SECONDS * 2**attempt))
        raise StoreUnavailable(f"the ledger gave no clear answer in {_TRIES} tries")

    def meet(self, stored: Stored | None) -> None:
        """Go on from the record as it is now."""
        self.record = stored.record if stored else None
        self.counts, self.beside = (), ()
        self._version = stored.version if stored else None

    def _is_own_step(self, found: Record) -> bool:
        """Whether our claim still stands in it, with a step that was cancelled while it was recorded."""
        return self.record is not None and found.owner == self.record.owner and found.status is Status.CLAIMED

    async def _bounded(self, call: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(self.io_seconds):
                return await call
        except TimeoutError:
            raise StoreUnavailable(f"the ledger did not answer within {self.io_seconds:g} s") from None


def _with_steps(record: Record, earlier: Record) -> Record:
    return replace(record, steps={**earlier.steps, **record.steps}) if earlier.steps else record
