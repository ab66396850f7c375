"""The ledger in memory: for tests and simulations, on the same documents that handlers write."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from tidegate.adapters.memory_documents import CommitRefused, MemoryDocuments, Precondition, Put, Refusal, Write
from tidegate.adapters.record_document import LEDGER, fields_of, record_of
from tidegate.errors import WriteConflict, WriteRefused
from tidegate.ports import Stored, Version
from tidegate.records import Record

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch


@dataclass(frozen=True, slots=True)
class MemoryLedger:
    """Implements `tidegate.ports.Ledger`; a version is the document's update time."""

    documents: MemoryDocuments

    async def write(
        self, key: str, record: Record, expected: Version | None, batch: "AsyncWriteBatch | None" = None
    ) -> Version:
        joined = [*_batched(batch), _guarded(key, record, expected)]
        try:
            version = self.documents.commit(joined)[-1].update_time
        except CommitRefused as refused:
            error = WriteRefused if refused.refusal is Refusal.INVALID else WriteConflict
            raise error(str(refused)) from refused
        return version

    async def read(self, key: str) -> Stored | None:
        document = self.documents.get(f"{LEDGER}/{key}")
        return Stored(record_of(document.fields), document.update_time) if document else None


def _guarded(key: str, record: Record, expected: Version | None) -> Put:
    precondition = (
        Precondition(exists=False) if expected is None else Precondition(update_time=cast(datetime, expected))
    )
    try:
        return Put(f"{LEDGER}/{key}", fields_of(record), precondition=precondition)
    except ValueError as error:
        raise WriteRefused(f"the record {key} cannot be stored: {error}") from error


def _batched(batch: "AsyncWriteBatch | None") -> list[Write]:
    if batch is None:
        return []
    # Imported here, since a simulation without batches need not wait for Google's libraries to load.
    from tidegate.adapters.memory_translation import writes_from

    return writes_from(batch._write_pbs, batch._client)
