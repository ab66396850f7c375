"""The ledger in Firestore: one document a record and more for a large one, each write guarded by the
update time before it."""

import random
from collections.abc import Callable, Iterable
from typing import Any, cast

from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

from tidegate.adapters.firestore_calls import FirestoreCalls, copied, counts
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
from tidegate.errors import StoreUnavailable, WriteRefused
from tidegate.ports import Stored, Written
from tidegate.records import Record
from tidegate.versions import Version

_EMULATOR_REQUEST_BYTES = 4 * 1024 * 1024
_FRAMING_BYTES = 8  # at most what the request adds around each of its parts
_READS = 5


class FirestoreLedger:
    """Implements `tidegate.ports.Ledger` with one call for each write and one for each read; reading a record
    that did not fit into one document takes one more.
    """

    def __init__(
        self, client: AsyncClient, *, timeout_seconds: float = 10.0, jitter: Callable[[], float] = random.random
    ) -> None:
        """``timeout_seconds`` bounds one write or read with all its tries; ``jitter`` draws from 0 to 1."""
        self._client = client
        self._calls = FirestoreCalls(timeout_seconds, jitter)
        self._max_commit_bytes = _EMULATOR_REQUEST_BYTES if client._emulator_host else MAX_COMMIT_BYTES

    async def write(
        self, key: str, record: Record, expected: Version | None, batch: AsyncWriteBatch | None = None
    ) -> Written:
        before = cast(Edition | None, expected)
        documents = self._documents(key, record)
        joined = self._joined(key, documents, before, batch)
        results = await self._calls.commit(key, joined)
        beside = tuple(each.update_time for each in results[: len(batch._write_pbs) if batch is not None else 0])
        return Written(documents.edition(results[-1].update_time), counts(results), beside)

    async def read(self, key: str) -> Stored | None:
        reference = self._reference(key)
        for _ in range(_READS):
            snapshot = await self._calls.get(key, reference)
            fields = snapshot.to_dict()
            if fields is None:
                return None
            names = piece_names(fields)
            pieces = await self._pieces(reference, names) if names else {}
            if len(pieces) == len(names):
                edition = Edition(snapshot.update_time, frozenset(names))
                return Stored(record_of(gathered(fields, pieces)), edition)
        raise StoreUnavailable(
            f"{key}: pieces of the record were missing in each of {_READS} reads: it is rewritten all the time, "
            f"or somebody deleted documents from {reference.path}/{PIECES}"
        )

    async def _pieces(self, reference: AsyncDocumentReference, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The fields of those pieces that are there."""
        references = [reference.collection(PIECES).document(name) for name in names]

        async def answer() -> dict[str, dict[str, Any]]:
            snapshots = self._client.get_all(references, retry=None, timeout=self._calls.timeout_seconds)
            found = {each.id: each.to_dict() async for each in snapshots}
            return {name: fields for name, fields in found.items() if fields is not None}

        return await self._calls.read(reference.id, answer)

    def _documents(self, key: str, record: Record) -> RecordDocuments:
        try:
            return RecordDocuments.of(fields_of(record))
        except ValueError as error:
            raise WriteRefused(f"the record {key} cannot be stored: {error}") from error

    def _joined(
        self, key: str, documents: RecordDocuments, before: Edition | None, batch: AsyncWriteBatch | None
    ) -> AsyncWriteBatch:
        joined = copied(self._client, batch)  # committing empties a batch
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
