"""The official Firestore client on top of `MemoryDocuments`: what handlers get in tests and simulations."""

from collections.abc import AsyncIterator, Iterable
from typing import Any, NoReturn, TypeVar

from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1 import _helpers, types

from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_query import MemoryQuery, aggregate
from tidegate.adapters.memory_translation import message_of, name_of, path_from
from tidegate.adapters.memory_wire import MemoryWire

_Item = TypeVar("_Item")


def memory_firestore(documents: MemoryDocuments, project: str = "memory") -> AsyncClient:
    """A client whose documents are ``documents``; what it cannot do raises NotImplementedError."""
    return _MemoryClient(documents, project)


class _MemoryClient(AsyncClient):
    """The official client, talking to the memory store instead of a server.

    Attributes:
        wire: the way there for those who need no client.
    """

    def __init__(self, documents: MemoryDocuments, project: str) -> None:
        super().__init__(project=project, credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
        self.wire = MemoryWire(documents, self)
        # The client makes its connection on first use and keeps it here; there is no public place for another.
        self._firestore_api_internal = _MemoryService(documents, self, self.wire)

    def transaction(self, max_attempts: int = 0, read_only: bool = False) -> NoReturn:
        """Refused here already: the library's transaction would hide the reason behind a failed rollback."""
        raise NotImplementedError("the memory store has no transactions: guard writes by last_update_time")


class _MemoryService:
    """Stands in for the low-level ``FirestoreAsyncClient``: the calls that the official client makes of it."""

    def __init__(self, documents: MemoryDocuments, client: AsyncClient, wire: MemoryWire) -> None:
        self._documents = documents
        self._client = client
        self._wire = wire

    async def commit(self, request: Any, **_: Any) -> types.CommitResponse:
        answer = await self._wire.commit(types.CommitRequest.pb(types.CommitRequest(request)))
        response: types.CommitResponse = types.CommitResponse.deserialize(answer.SerializeToString())
        return response

    async def batch_write(self, request: Any, **_: Any) -> types.BatchWriteResponse:
        answer = await self._wire.batch_write(types.BatchWriteRequest.pb(types.BatchWriteRequest(request)))
        response: types.BatchWriteResponse = types.BatchWriteResponse.deserialize(answer.SerializeToString())
        return response

    async def batch_get_documents(self, request: Any, **_: Any) -> AsyncIterator[types.BatchGetDocumentsResponse]:
        asked = types.BatchGetDocumentsRequest.pb(types.BatchGetDocumentsRequest(request))
        if asked.HasField("mask"):
            raise NotImplementedError("the memory store reads whole documents: leave out field_paths")
        answers = await self._wire.batch_get(asked)
        return _stream([types.BatchGetDocumentsResponse.deserialize(each.SerializeToString()) for each in answers])

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

    def _collection(self, parent: str, collection_id: str) -> str:
        if parent == f"{self._client._database_string}/documents":
            return collection_id
        return f"{path_from(parent, self._client)}/{collection_id}"


def _within(path: str, collection: str) -> bool:
    return path.startswith(f"{collection}/")


async def _stream(items: Iterable[_Item]) -> AsyncIterator[_Item]:
    for item in items:
        yield item
