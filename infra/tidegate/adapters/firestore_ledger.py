"""The ledger in Firestore: one document a record and more for a large one, each write guarded by the
update time before it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar, cast

from google.api_core import exceptions
from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

from tidegate.adapters.google_failures import GOOGLE_FAILURES
from tidegate.adapters.record_document import LEDGER, fields_of, record_of
from tidegate.adapters.record_pieces import (
    MAX_COMMIT_BYTES,
    PIECES,
    Edition,
    RecordDocuments,
    check_commit,
    gathered,
    piece_names,
)
from tidegate.errors import StoreUnavailable, WriteConflict, WriteRefused
from tidegate.ports import Stored, Version
from tidegate.records import Record

_EMULATOR_REQUEST_BYTES = 4 * 1024 * 1024
_FRAMING_BYTES = 8  # at most what the request adds around each of its parts
_TRIES = 6
_READS = 5
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
    """Implements `tidegate.ports.Ledger` with one call for each write and one for each read; reading a record
    that did not fit into one document takes one more.

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
        self._max_commit_bytes = _EMULATOR_REQUEST_BYTES if client._emulator_host else MAX_COMMIT_BYTES

    async def write(
        self, key: str, record: Record, expected: Version | None, batch: AsyncWriteBatch | None = None
    ) -> Version:
        before = cast(Edition | None, expected)
        documents = self._documents(key, record)
        joined = self._joined(key, documents, before, batch)
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
        return documents.edition(results[-1].update_time)

    async def read(self, key: str) -> Stored | None:
        reference = self._reference(key)
        try:
            for _ in range(_READS):
                snapshot = await self._answer(
                    lambda: reference.get(retry=None, timeout=self._timeout_seconds), again_after=_TRANSIENT
                )
                fields = snapshot.to_dict()
                if fields is None:
                    return None
                names = piece_names(fields)
                pieces = await self._pieces(reference, names) if names else {}
                if len(pieces) == len(names):
                    edition = Edition(snapshot.update_time, frozenset(names))
                    return Stored(record_of(gathered(fields, pieces)), edition)
        except GOOGLE_FAILURES as error:
            raise StoreUnavailable(f"{key}: no usable answer to the read: {_spoken(error)}") from error
        raise StoreUnavailable(
            f"{key}: pieces of the record were missing in each of {_READS} reads: it is rewritten all the time, "
            f"or somebody deleted documents from {reference.path}/{PIECES}"
        )

    async def _pieces(self, reference: AsyncDocumentReference, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The fields of those pieces that are there."""
        references = [reference.collection(PIECES).document(name) for name in names]

        async def answer() -> dict[str, dict[str, Any]]:
            snapshots = self._client.get_all(references, retry=None, timeout=self._timeout_seconds)
            found = {each.id: each.to_dict() async for each in snapshots}
            return {name: fields for name, fields in found.items() if fields is not None}

        return await self._answer(answer, again_after=_TRANSIENT)

    def _documents(self, key: str, record: Record) -> RecordDocuments:
        try:
            return RecordDocuments.of(fields_of(record))
        except ValueError as error:
            raise WriteRefused(f"the record {key} cannot be stored: {error}") from error

    def _joined(
        self, key: str, documents: RecordDocuments, before: Edition | None, batch: AsyncWriteBatch | None
    ) -> AsyncWriteBatch:
        """A batch of its own, since committing empties a batch and the caller may need theirs again."""
        joined = self._client.batch()
        if batch is not None:
            joined._add_write_pbs(batch._write_pbs)
        reference = self._reference(key)
        new, gone = documents.changes(before)
        for name, piece in new.items():
            joined.set(reference.collection(PIECES).document(name), piece)
        for name in gone:
            joined.delete(reference.collection(PIECES).document(name))
        try:
            if before is None:
                joined.create(reference, documents.fields)
            else:
                guard = self._client.write_option(last_update_time=before.update_time)
                joined.update(reference, documents.fields, guard)
        except ValueError as error:
            raise WriteRefused(f"the record {key} cannot be stored: {error}") from error
        sizes = [len(self._client._database_string), *(each._pb.ByteSize() for each in joined._write_pbs)]
        check_commit(key, sum(sizes) + _FRAMING_BYTES * len(sizes), self._max_commit_bytes)
        return joined

    def _reference(self, key: str) -> AsyncDocumentReference:
        return self._client.collection(LEDGER).document(key)

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


def _spoken(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
