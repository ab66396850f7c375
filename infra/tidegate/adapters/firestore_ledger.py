"""The ledger in Firestore: one document a record, each write guarded by the update time before it."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.api_core import exceptions
from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

from tidegate.adapters.google_failures import GOOGLE_FAILURES
from tidegate.adapters.record_document import LEDGER, fields_of, record_of
from tidegate.errors import StoreUnavailable, WriteConflict, WriteRefused
from tidegate.ports import Stored, Version
from tidegate.records import Record

MAX_REQUEST_BYTES = 10 * 1024 * 1024
_TRIES = 6
_FIRST_PAUSE_SECONDS = 0.02

_Answer = TypeVar("_Answer")

# After these nothing stands, and the same call may succeed at once: two writers met on one document.
_CONTENDED = (exceptions.Aborted,)
# A read changes nothing, so it may also be repeated where nobody knows what became of the first one.
_TRANSIENT = (*_CONTENDED, exceptions.InternalServerError, exceptions.ServiceUnavailable)
# Preconditions that did not hold. A project without a database answers NOT_FOUND as well; the read
# by which the engine settles a conflict then fails, and nothing is taken for another's work.
_CONFLICTS = (exceptions.AlreadyExists, exceptions.FailedPrecondition, exceptions.NotFound)
# The fault of this very write, whoever sends it and whenever. PermissionDenied is none of these: it
# is the project's state, and the same write stands as soon as somebody grants the role.
_PERMANENT = (exceptions.InvalidArgument, exceptions.OutOfRange)


class FirestoreLedger:
    """Implements `tidegate.ports.Ledger` with one call for each write and one for each read.

    The library's own retries are off. They would send a commit again after an answer was lost and
    report the first one's success as a conflict; here such a loss is said (StoreUnavailable) and the
    engine settles it by reading.
    """

    def __init__(
        self, client: AsyncClient, *, timeout_seconds: float = 10.0, jitter: Callable[[], float] = random.random
    ) -> None:
        """``timeout_seconds`` bounds one write or read with all its tries; ``jitter`` draws from 0 to 1."""
        self._client = client
        self._timeout_seconds = timeout_seconds
        self._jitter = jitter

    async def write(
        self, key: str, record: Record, expected: Version | None, batch: AsyncWriteBatch | None = None
    ) -> Version:
        joined = self._joined(key, record, expected, batch)
        try:
            results = await self._answer(
                lambda: joined.commit(retry=None, timeout=self._timeout_seconds), again_after=_CONTENDED
            )
        except _CONFLICTS as error:
            raise WriteConflict(f"{key}: {error.message}") from error
        except _PERMANENT as error:
            raise WriteRefused(f"{key}: {error.message}") from error
        except GOOGLE_FAILURES as error:
            raise StoreUnavailable(f"{key}: no usable answer to the write: {_spoken(error)}") from error
        return results[-1].update_time

    async def read(self, key: str) -> Stored | None:
        reference = self._client.collection(LEDGER).document(key)
        try:
            snapshot = await self._answer(
                lambda: reference.get(retry=None, timeout=self._timeout_seconds), again_after=_TRANSIENT
            )
        except GOOGLE_FAILURES as error:
            raise StoreUnavailable(f"{key}: no usable answer to the read: {_spoken(error)}") from error
        fields = snapshot.to_dict()
        return None if fields is None else Stored(record_of(fields), snapshot.update_time)

    def _joined(
        self, key: str, record: Record, expected: Version | None, batch: AsyncWriteBatch | None
    ) -> AsyncWriteBatch:
        """A batch of its own, since committing empties a batch and the caller may need theirs again."""
        joined = self._client.batch()
        if batch is not None:
            joined._add_write_pbs(batch._write_pbs)
        reference = self._client.collection(LEDGER).document(key)
        try:
            fields = fields_of(record)
            if expected is None:
                joined.create(reference, fields)
            else:
                joined.update(reference, fields, self._client.write_option(last_update_time=expected))
        except ValueError as error:
            raise WriteRefused(f"the record {key} cannot be stored: {error}") from error
        _check_size(key, joined)
        return joined

    async def _answer(
        self, call: Callable[[], Awaitable[_Answer]], *, again_after: tuple[type[Exception], ...]
    ) -> _Answer:
        """The call's answer; repeated a few times, with full jitter, after the errors named."""
        async with asyncio.timeout(self._timeout_seconds):
            for failures in range(_TRIES - 1):
                try:
                    return await call()
                except again_after:
                    await asyncio.sleep(_FIRST_PAUSE_SECONDS * 2**failures * self._jitter())
            return await call()


def _check_size(key: str, batch: AsyncWriteBatch) -> None:
    """Refuse here what Firestore would: its answer cannot be told from that of an exhausted quota."""
    size = sum(each._pb.ByteSize() for each in batch._write_pbs)
    if size > MAX_REQUEST_BYTES:
        raise WriteRefused(
            f"{key}: a commit of {size} bytes exceeds the {MAX_REQUEST_BYTES} that Firestore takes: write less at once"
        )


def _spoken(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
