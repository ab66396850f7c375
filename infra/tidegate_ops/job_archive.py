"""What Firestore keeps of a job's work, read in batches."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore import (
    AsyncClient,
    AsyncCollectionReference,
    AsyncDocumentReference,
    DocumentSnapshot,
)
from google.cloud.firestore_v1.base_query import FieldFilter

from tidegate.adapters.firestore_calls import FirestoreCalls
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.firestore_ledger import FirestoreLedger
from tidegate.adapters.firestore_wire import wire_of
from tidegate.adapters.job_documents import COMPENSATIONS, FAILURES, JOBS, NODES, failure_of, message_of, node_of
from tidegate.adapters.record_document import LEDGER, record_of
from tidegate.adapters.record_pieces import gathered, piece_names
from tidegate.jobs import COMPENSATION, Job, JobFailure, Node
from tidegate.messages import Outgoing
from tidegate_ops.job_tree import FiledRecord

_READ_SECONDS = 30.0
_BATCH = 100
_LAST_CHARACTER = "\uf8ff"
"""Sorts after every character that an id is made of."""


@dataclass(frozen=True, slots=True)
class Follower:
    """What follows a gathering, with whether it has been published or is about to be."""

    gathering: str
    message: Outgoing
    published: bool


@dataclass(frozen=True, slots=True)
class BegunCompensation:
    """The join of a compensation that was published at ``begun_at``, with whether all of it has settled."""

    node: Node
    closed: bool
    begun_at: datetime


class JobArchive:
    """One project's jobs and ledger; every method raises StoreUnavailable where Firestore does not answer."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._calls = FirestoreCalls(_READ_SECONDS)
        self._jobs = FirestoreJobs(client)
        self._ledger = FirestoreLedger(wire_of(client))

    async def job(self, job: str) -> Job | None:
        """The job, if there is one of this id."""
        return await self._jobs.read(job) if job and "/" not in job else None

    async def failures(self, job: str, most: int) -> dict[str, JobFailure]:
        """What was given up, by the names of the units."""
        found = await self._answer(job, self._below(job, FAILURES).limit(most).stream)
        return {each.id: failure_of(_fields(each)) for each in found}

    async def records(self, names: Iterable[str]) -> dict[str, FiledRecord]:
        """Those records that there are."""
        ledger = self._client.collection(LEDGER)
        records: dict[str, FiledRecord] = {}
        for each in await self._found(ledger.document(name) for name in names):
            fields = _fields(each)
            if not piece_names(fields):
                records[each.id] = FiledRecord(record_of(gathered(fields, {})), each.update_time)
            elif stored := await self._ledger.read(each.id):  # which reads the pieces of one version
                records[each.id] = FiledRecord(stored.record, each.update_time)
        return records

    async def followers(self, job: str, names: Collection[str]) -> list[Follower]:
        """What follows these joins."""
        nodes = self._below(job, NODES)
        found = {each.id: each for each in await self._found(nodes.document(name) for name in names)}
        # In the order asked for, which is not that of the answer.
        joins = [(node_of(job, name, _fields(found[name])), _is_closed(found[name])) for name in names if name in found]
        return [Follower(node.id, node.then, closed) for node, closed in joins if node.then]

    async def record_names(self, job: str, function: str, event_id: str, most: int) -> list[str]:
        """Under which names the function's records of an event are kept, as far as joins tell."""
        found = await self._named(job, f"{function}.", most)
        # A gathering's join is named by its record and a number.
        names = [".".join(each.id.split(".")[:2]) for each in found if _fields(each).get("event_id") == event_id]
        return list(dict.fromkeys(names))

    async def is_counted(self, job: str, name: str) -> bool:
        """Whether a mark says that the unit has been counted."""
        return (await self._jobs.mark(job, name)).counted

    async def begun(self, job: str, most: int) -> list[BegunCompensation]:
        """Those compensations that have been published, the first first."""
        found = [each for each in await self._named(job, COMPENSATION, most) if "up" in _fields(each)]
        found.sort(key=lambda each: each.create_time)
        return [
            BegunCompensation(node_of(job, each.id, _fields(each)), _is_closed(each), each.create_time)
            for each in found
        ]

    async def registered(self, job: str, most: int) -> dict[str, Outgoing]:
        """The compensations that have not had their effect yet, by the names of their joins, the next first."""
        latest = self._below(job, COMPENSATIONS).order_by("registered_at", direction=firestore.Query.DESCENDING)
        found = await self._answer(job, latest.limit(most).stream)
        return {COMPENSATION + each.id: message_of(_fields(each)) for each in found}

    async def _named(self, job: str, beginning: str, most: int) -> list[DocumentSnapshot[Any]]:
        """The joins whose names begin so."""
        nodes = self._below(job, NODES)
        first, last = nodes.document(beginning), nodes.document(beginning + _LAST_CHARACTER)
        query = nodes.where(filter=FieldFilter("__name__", ">=", first))
        query = query.where(filter=FieldFilter("__name__", "<=", last))
        return await self._answer(job, query.limit(most).stream)

    async def _found(self, references: Iterable[AsyncDocumentReference]) -> list[DocumentSnapshot[Any]]:
        wanted = list(references)
        found: list[DocumentSnapshot[Any]] = []
        for start in range(0, len(wanted), _BATCH):
            found += await self._batch(wanted[start : start + _BATCH])
        return found

    async def _batch(self, wanted: list[AsyncDocumentReference]) -> list[DocumentSnapshot[Any]]:
        found = await self._answer(wanted[0].path, lambda **options: self._client.get_all(wanted, **options))
        return [each for each in found if each.exists]

    async def _answer(
        self, what: str, call: Callable[..., AsyncIterator[DocumentSnapshot[Any]]]
    ) -> list[DocumentSnapshot[Any]]:
        async def answer() -> list[DocumentSnapshot[Any]]:
            return [each async for each in call(retry=None, timeout=self._calls.timeout_seconds)]

        return await self._calls.read(what, answer)

    def _below(self, job: str, collection: str) -> AsyncCollectionReference:
        below: AsyncCollectionReference = self._client.collection(JOBS).document(job).collection(collection)
        return below


def _fields(snapshot: DocumentSnapshot[Any]) -> Mapping[str, Any]:
    return snapshot.to_dict() or {}


def _is_closed(snapshot: DocumentSnapshot[Any]) -> bool:
    closed: bool = _fields(snapshot).get("closed", False)
    return closed
