"""The ledger in Firestore: one document a record and more for a large one, each write guarded by the
update time before it."""

import random
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

from tidegate.adapters.firestore_calls import FirestoreCalls, counts
from tidegate.adapters.firestore_wire import Wire
from tidegate.adapters.grouped_writes import GroupedReads, GroupedWrites
from tidegate.adapters.raw_documents import (
    BatchGetRequest,
    CommitRequest,
    Write,
    delete,
    fields_of,
    nanoseconds,
    put,
    set_nanoseconds,
)
from tidegate.adapters.record_document import LEDGER, record_of
from tidegate.adapters.record_document import fields_of as record_fields
from tidegate.adapters.record_pieces import (
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

if TYPE_CHECKING:
    from google.api_core.datetime_helpers import DatetimeWithNanoseconds
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

_FRAMING_BYTES = 8  # at most what the request adds around each of its parts
_READS = 5


class FirestoreLedger:
    """Implements `tidegate.ports.Ledger`.

    A record that fits into one document and is written alone goes through ``BatchWrite`` together with those of
    other deliveries, whatever becomes of them; several documents are one ``Commit``. Reading a record that did not
    fit into one document takes one call more.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        timeout_seconds: float = 10.0,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """
        Args:
            wire: the way to the database.
            timeout_seconds: bounds each try of a write or read, and from when on there is none again.
            jitter: draws from 0 to 1.
        """
        self._ledger = f"{wire.database}/documents/{LEDGER}"
        self._calls = FirestoreCalls(timeout_seconds, jitter)
        self._wire = wire
        self._writes = GroupedWrites(wire, max_bytes=wire.max_commit_bytes // 2, timeout_seconds=timeout_seconds)
        self._reads = GroupedReads(wire, timeout_seconds=timeout_seconds)

    async def write(
        self, key: str, record: Record, expected: Version | None, batch: "AsyncWriteBatch | None" = None
    ) -> Written:
        before = cast(Edition | None, expected)
        try:
            documents = RecordDocuments.of(record_fields(record))
            own = self._written(key, documents, before)
        except ValueError as error:
            raise WriteRefused(f"the record {key} cannot be stored: {error}") from error
        theirs = (
            [Write.FromString(each._pb.SerializeToString()) for each in batch._write_pbs] if batch is not None else []
        )
        writes = [*theirs, *own]
        sizes = [len(self._wire.database), *(each.ByteSize() for each in writes)]
        size = sum(sizes) + _FRAMING_BYTES * len(sizes)
        check_commit(key, size, self._wire.max_commit_bytes)
        if len(writes) == 1:
            result = await self._calls.write(key, lambda: self._writes.write(writes[0], size))
            return Written(documents.edition(nanoseconds(result.update_time)))
        results = await self._calls.write(key, lambda: self._commit(writes))
        beside = tuple(
            _moment(each.update_time) if each.HasField("update_time") else None for each in results[: len(theirs)]
        )
        return Written(documents.edition(nanoseconds(results[-1].update_time)), counts(results), beside)

    async def read(self, key: str) -> Stored | None:
        for _ in range(_READS):
            document = await self._calls.read(key, lambda: self._reads.read(self._name(key)))
            if document is None:
                return None
            fields = fields_of(document)
            names = piece_names(fields)
            pieces = await self._pieces(key, names) if names else {}
            if len(pieces) == len(names):
                edition = Edition(nanoseconds(document.update_time), frozenset(names))
                return Stored(record_of(gathered(fields, pieces)), edition)
        raise StoreUnavailable(
            f"{key}: pieces of the record were missing in each of {_READS} reads: it is rewritten all the time, "
            f"or somebody deleted documents from {LEDGER}/{key}/{PIECES}"
        )

    async def _pieces(self, key: str, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The fields of those pieces that are there."""
        paths = {self._piece(key, each): each for each in names}
        request = BatchGetRequest(database=self._wire.database, documents=list(paths))
        answers = await self._calls.read(key, lambda: self._wire.batch_get(request, self._calls.timeout_seconds))
        found = [each.found for each in answers if each.HasField("found")]
        return {paths[each.name]: fields_of(each) for each in found}

    async def _commit(self, writes: list[Any]) -> Any:
        request = CommitRequest(database=self._wire.database, writes=writes)
        answer = await self._wire.commit(request, self._calls.timeout_seconds)
        return answer.write_results

    def _written(self, key: str, documents: RecordDocuments, before: Edition | None) -> list[Any]:
        """The writes that make ``documents`` the record; its own document's, which is guarded, is the last."""
        new, gone = documents.changes(before)
        record = put(self._name(key), documents.fields)
        if before is None:
            record.current_document.exists = False
        else:
            set_nanoseconds(record.current_document.update_time, before.update_time)
        return [
            *(put(self._piece(key, name), piece) for name, piece in new.items()),
            *(delete(self._piece(key, name)) for name in gone),
            record,
        ]

    def _name(self, key: str) -> str:
        return f"{self._ledger}/{key}"

    def _piece(self, key: str, name: str) -> str:
        return f"{self._ledger}/{key}/{PIECES}/{name}"


def _moment(moment: Any) -> "DatetimeWithNanoseconds":
    """A time as the official client gives it, which is there, since it made the batch."""
    from google.api_core.datetime_helpers import DatetimeWithNanoseconds

    found: DatetimeWithNanoseconds = DatetimeWithNanoseconds.from_timestamp_pb(moment)  # type: ignore[no-untyped-call]
    return found
