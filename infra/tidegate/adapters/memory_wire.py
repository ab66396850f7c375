"""The memory store as Firestore's service: raw requests and answers, as they travel to the real one."""

from collections.abc import Iterable
from typing import Any

from google.api_core import exceptions
from google.cloud.firestore import AsyncClient

from tidegate.adapters.memory_documents import CommitRefused, MemoryDocuments, Refusal, Written
from tidegate.adapters.memory_translation import path_from, set_document, set_value, writes_from
from tidegate.adapters.raw_documents import BatchGetResponse, BatchWriteResponse, CommitResponse, set_moment
from tidegate.adapters.record_pieces import MAX_COMMIT_BYTES

_ERRORS: dict[Refusal, type[exceptions.GoogleAPICallError]] = {
    Refusal.ALREADY_EXISTS: exceptions.AlreadyExists,
    Refusal.NOT_FOUND: exceptions.NotFound,
    Refusal.FAILED_PRECONDITION: exceptions.FailedPrecondition,
    Refusal.INVALID: exceptions.InvalidArgument,
}


class MemoryWire:
    """Implements `tidegate.adapters.firestore_wire.Wire`."""

    def __init__(self, documents: MemoryDocuments, client: AsyncClient) -> None:
        """``client``: of the database that names are in."""
        self._documents = documents
        self._client = client
        self.database: str = client._database_string
        self.max_commit_bytes = MAX_COMMIT_BYTES

    async def commit(self, request: Any, timeout_seconds: float = 0) -> Any:
        answer = CommitResponse()
        for written in self._commit(request.writes):
            _tell(written, answer.write_results.add())
        set_moment(answer.commit_time, self._documents.now())
        return answer

    async def batch_write(self, request: Any, timeout_seconds: float = 0) -> Any:
        """Each write by itself; a refused one fails alone."""
        if len({_document(each) for each in request.writes}) < len(request.writes):
            raise exceptions.InvalidArgument(  # type: ignore[no-untyped-call]
                "a document is written twice in one request"
            )
        answer = BatchWriteResponse()
        for write in request.writes:
            result, status = answer.write_results.add(), answer.status.add()
            try:
                [written] = self._commit([write])
            except exceptions.GoogleAPICallError as error:
                status.code, status.message = _code(error), error.message
            else:
                _tell(written, result)
        return answer

    async def batch_get(self, request: Any, timeout_seconds: float = 0) -> list[Any]:
        return [self._got(name) for name in dict.fromkeys(request.documents)]

    def _commit(self, messages: Iterable[Any]) -> list[Written]:
        try:
            return self._documents.commit(writes_from(messages, self._client))
        except CommitRefused as refused:
            raise _ERRORS[refused.refusal](str(refused)) from refused

    def _got(self, name: str) -> Any:
        document = self._documents.get(path_from(name, self._client))
        answer = BatchGetResponse()
        set_moment(answer.read_time, self._documents.now())
        if document is None:
            answer.missing = name
        else:
            set_document(answer.found, document, self._client)
        return answer


def _document(write: Any) -> str:
    name: str = write.delete or write.update.name
    return name


def _code(error: exceptions.GoogleAPICallError) -> int:
    status = error.grpc_status_code
    assert status is not None  # all of _ERRORS have one
    number: int = status.value[0]
    return number


def _tell(written: Written, result: Any) -> None:
    if written.update_time is not None:
        set_moment(result.update_time, written.update_time)
    for each in written.transformed:
        set_value(result.transform_results.add(), each)
