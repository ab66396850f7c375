"""The ledger in memory: for tests and simulations, on the same documents that handlers write."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from tidegate.adapters.memory_documents import (
    CommitRefused,
    Delete,
    MemoryDocuments,
    Precondition,
    Put,
    Refusal,
    Write,
)
from tidegate.adapters.memory_fields import stored_bytes
from tidegate.adapters.record_document import LEDGER, fields_of, record_of
from tidegate.adapters.record_pieces import PIECES, Edition, RecordDocuments, check_commit, gathered, piece_names
from tidegate.errors import StoreUnavailable, WriteConflict, WriteRefused
from tidegate.ports import Stored, Written
from tidegate.records import Record
from tidegate.versions import Version

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch


@dataclass(frozen=True, slots=True)
class MemoryLedger:
    """Implements `tidegate.ports.Ledger`; a version is the document's update time, with its pieces."""

    documents: MemoryDocuments

    async def write(
        self, key: str, record: Record, expected: Version | None, batch: "AsyncWriteBatch | None" = None
    ) -> Written:
        before = cast(Edition | None, expected)
        try:
            documents = RecordDocuments.of(fields_of(record))
            joined = [*_batched(batch), *_writes(key, documents, before)]
            size = sum(stored_bytes(dict(each.fields)) for each in joined if isinstance(each, Put))
        except ValueError as error:
            raise WriteRefused(f"the record {key} cannot be stored: {error}") from error
        check_commit(key, size)
        try:
            written = self.documents.commit(joined)
        except CommitRefused as refused:
            error_type = WriteRefused if refused.refusal is Refusal.INVALID else WriteConflict
            raise error_type(str(refused)) from refused
        update_time = written[-1].update_time
        assert update_time is not None  # only a delete has none
        counts = [value for each in written for value in each.transformed if isinstance(value, int | float)]
        beside = tuple(each.update_time for each in written[: len(batch._write_pbs) if batch is not None else 0])
        return Written(documents.edition(update_time), tuple(counts), beside)

    async def read(self, key: str) -> Stored | None:
        document = self.documents.get(_path(key))
        if document is None:
            return None
        names = piece_names(document.fields)
        found = {name: self.documents.get(_piece_path(key, name)) for name in names}
        pieces = {name: piece.fields for name, piece in found.items() if piece is not None}
        if len(pieces) < len(names):
            raise StoreUnavailable(f"{key}: pieces of the record are missing: somebody deleted them")
        return Stored(record_of(gathered(document.fields, pieces)), Edition(document.update_time, frozenset(names)))


def _writes(key: str, documents: RecordDocuments, before: Edition | None) -> Iterator[Write]:
    """The pieces' writes, and at last the record's own, which guards them all."""
    new, gone = documents.changes(before)
    for name, piece in new.items():
        yield Put(_piece_path(key, name), piece)
    for name in gone:
        yield Delete(_piece_path(key, name))
    guard = Precondition(exists=False) if before is None else Precondition(update_time=before.update_time)
    yield Put(_path(key), documents.fields, precondition=guard)


def _path(key: str) -> str:
    return f"{LEDGER}/{key}"


def _piece_path(key: str, name: str) -> str:
    return f"{_path(key)}/{PIECES}/{name}"


def _batched(batch: "AsyncWriteBatch | None") -> list[Write]:
    if batch is None:
        return []
    # Imported here, since a simulation without batches need not wait for Google's libraries to load.
    from tidegate.adapters.memory_translation import writes_from

    return writes_from(batch._write_pbs, batch._client)
