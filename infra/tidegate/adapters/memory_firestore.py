"""The official Firestore client on top of `MemoryDocuments`: what handlers get in tests and simulations."""

from collections.abc import AsyncIterator, Iterable
from typing import Any, NoReturn, TypeVar

from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1 import _helpers, types

from tidegate.adapters.memory_documents import CommitRefused, MemoryDocuments, Refusal, Written
from tidegate.adapters.memory_query import MemoryQuery, aggregate
from tidegate.adapters.memory_translation import message_of, name_of, path_from, writes_from

_Item = TypeVar("_Item")

_ERRORS: dict[Refusal, type[exceptions.GoogleAPICallError]] = {
    Refusal.ALREADY_EXISTS: exceptions.AlreadyExists,
    Refusal.NOT_FOUND: exceptions.NotFound,
    Refusal.FAILED_PRECONDITION: exceptions.FailedPrecondition,
    Refusal.INVALID: exceptions.InvalidArgument,
}


def memory_firestore(documents: MemoryDocuments, project: str = "memory") -> AsyncClient:
    """A client whose documents are ``documents``; what it cannot do raises NotImplementedError."""
    return _MemoryClient(documents, project)


class _MemoryClient(AsyncClient):
    """The official client, talking to the memory store instead of a server."""

    def __init__(self, documents: MemoryDocuments, project: str) -> None:
        super().__init__(project=project, credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
        # The client makes its connection on first use and keeps it here; there is no public place for another.
        self._firestore_api_internal = _MemoryService(documents, self)

    def transaction(self, max_attempts: int = 0, read_only: bool = False) -> NoReturn:
        """Refused here already: the library's transaction would hide the reason behind a failed rollback."""
        raise NotImplementedError("the memory store has no transactions: guard writes by last_update_time")


class _MemoryService:
    """Stands in for the low-level ``FirestoreAsyncClient``: the calls that the official client makes of it."""

    def __init__(self, documents: MemoryDocuments, client: AsyncClient) -> None:
        self._documents = documents
        self._client = client

    async def commit(self, request: Any, **_: Any) -> types.CommitResponse:
        asked = types.CommitRequest(request)
        written = self._commit(asked.writes)
        return types.CommitResponse(
            write_results=[_result(each) for each in written], commit_time=self._documents.now()
        )

    async def batch_write(self, request: Any, **_: Any) -> types.BatchWriteResponse:
        """Each write by itself; a refused one fails alone."""
        results: list[types.WriteResult] = []
        statuses: list[dict[str, Any]] = []
        for write in types.BatchWriteRequest(request).writes:
            try:
                [written] = self._commit([write])
            except exceptions.GoogleAPICallError as error:
                results.append(types.WriteResult())
                statuses.append({"code": _code(error), "message": error.message})
            else:
                results.append(_result(written))
                statuses.append({})
        return types.BatchWriteResponse(write_results=results, status=statuses)

    async def batch_get_documents(self, request: Any, **_: Any) -> AsyncIterator[types.BatchGetDocumentsResponse]:
        asked = types.BatchGetDocumentsRequest(request)
        if asked._pb.HasField("mask"):
            raise NotImplementedError("the memory store reads whole documents: leave out field_paths")
        return _stream([self._got(name) for name in dict.fromkeys(asked.documents)])

    async def run_query(self, request: Any, **_: Any) -> AsyncIterator[types.RunQueryResponse]:
        asked = types.RunQueryRequest(request)
        query = MemoryQuery(asked.structured_query, self._client)
        [selector] = asked.structured_query.from_
        found = query.run(self._documents.list(self._collection(asked.parent, selector.collection_id)))
        read_time = self._documents.now()
        return _stream(
            [types.RunQueryResponse(document=message_of(each, self._client), read_time=read_time) for each in found]
        )

    async def run_aggregation_query(self, request: Any, **_: Any) -> AsyncIterator[types.RunAggregationQueryResponse]:
        """Counts and sums; as in Firestore, of the documents that have every field that is summed."""
        asked = types.RunAggregationQueryRequest(request)
        aggregated = asked.structured_aggregation_query
        [selector] = aggregated.structured_query.from_
        documents = self._documents.list(self._collection(asked.parent, selector.collection_id))
        found = MemoryQuery(aggregated.structured_query, self._client).run(documents)
        fields = aggregate(aggregated.aggregations, found)
        values = {name: _helpers.encode_value(value) for name, value in fields.items()}
        read_time = self._documents.now()
        return _stream([types.RunAggregationQueryResponse(result={"aggregate_fields": values}, read_time=read_time)])

    async def list_documents(self, request: Any, **_: Any) -> AsyncIterator[types.Document]:
        """Names alone, also of documents that are not there but have documents below them."""
        asked = types.ListDocumentsRequest(request)
        collection = self._collection(asked.parent, asked.collection_id)
        below = (path.removeprefix(f"{collection}/") for path in self._documents.paths() if _within(path, collection))
        names = sorted({path.partition("/")[0] for path in below})
        return _stream([types.Document(name=name_of(f"{collection}/{name}", self._client)) for name in names])

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotImplementedError(f"the memory store has no {name}: test what needs it on the emulator")

    def _commit(self, messages: Iterable[types.Write]) -> list[Written]:
        try:
            return self._documents.commit(writes_from(messages, self._client))
        except CommitRefused as refused:
            raise _ERRORS[refused.refusal](str(refused)) from refused

    def _got(self, name: str) -> types.BatchGetDocumentsResponse:
        document = self._documents.get(path_from(name, self._client))
        read_time = self._documents.now()
        if document is None:
            return types.BatchGetDocumentsResponse(missing=name, read_time=read_time)
        return types.BatchGetDocumentsResponse(found=message_of(document, self._client), read_time=read_time)

    def _collection(self, parent: str, collection_id: str) -> str:
        if parent == f"{self._client._database_string}/documents":
            return collection_id
        return f"{path_from(parent, self._client)}/{collection_id}"


def _code(error: exceptions.GoogleAPICallError) -> int:
    status = error.grpc_status_code
    assert status is not None  # all of _ERRORS have one
    number: int = status.value[0]
    return number


def _within(path: str, collection: str) -> bool:
    return path.startswith(f"{collection}/")


def _result(written: Written) -> types.WriteResult:
    return types.WriteResult(
        update_time=written.update_time,
        transform_results=[_helpers.encode_value(each) for each in written.transformed],
    )


async def _stream(items: Iterable[_Item]) -> AsyncIterator[_Item]:
    for item in items:
        yield item
