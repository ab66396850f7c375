"""Firestore's calls in raw protobuf, on the channel that the official client has authenticated."""

from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import quote

import grpc
from google.api_core import exceptions
from google.cloud.firestore import AsyncClient

from tidegate.adapters.raw_documents import (
    BatchGetRequest,
    BatchGetResponse,
    BatchWriteRequest,
    BatchWriteResponse,
    CommitRequest,
    CommitResponse,
)

_SERVICE = "/google.firestore.v1.Firestore/"


class Wire(Protocol):
    """The service as its requests and answers travel. Each call is made once and ends in the time that it has.

    Each raises what Google's own clients raise; `google.api_core.exceptions` says which.
    """

    async def commit(self, request: Any, timeout_seconds: float) -> Any:
        """The ``CommitResponse`` to a ``CommitRequest``."""
        ...

    async def batch_write(self, request: Any, timeout_seconds: float) -> Any:
        """The ``BatchWriteResponse`` to a ``BatchWriteRequest``."""
        ...

    async def batch_get(self, request: Any, timeout_seconds: float) -> list[Any]:
        """All ``BatchGetDocumentsResponse`` to a ``BatchGetDocumentsRequest``, in no order."""
        ...


class GrpcWire:
    """Implements `Wire` for a client of the real service or of its emulator; connects on its first call."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        database = quote(client._database_string, safe="")
        self._metadata = (*client._rpc_metadata, ("x-goog-request-params", f"database={database}"))
        self._stubs: dict[str, Any] = {}

    async def commit(self, request: Any, timeout_seconds: float) -> Any:
        return await self._unary("Commit", CommitRequest, CommitResponse, request, timeout_seconds)

    async def batch_write(self, request: Any, timeout_seconds: float) -> Any:
        return await self._unary("BatchWrite", BatchWriteRequest, BatchWriteResponse, request, timeout_seconds)

    async def batch_get(self, request: Any, timeout_seconds: float) -> list[Any]:
        stub = self._stub("BatchGetDocuments", self._channel.unary_stream, BatchGetRequest, BatchGetResponse)
        try:
            return [each async for each in stub(request, timeout=timeout_seconds, metadata=self._metadata)]
        except grpc.aio.AioRpcError as error:
            raise exceptions.from_grpc_error(error) from error  # type: ignore[no-untyped-call]

    async def _unary(self, method: str, asks: Any, answers: Any, request: Any, timeout_seconds: float) -> Any:
        stub = self._stub(method, self._channel.unary_unary, asks, answers)
        try:
            return await stub(request, timeout=timeout_seconds, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise exceptions.from_grpc_error(error) from error  # type: ignore[no-untyped-call]

    def _stub(self, method: str, make: Callable[..., Any], asks: Any, answers: Any) -> Any:
        if method not in self._stubs:
            self._stubs[method] = make(
                _SERVICE + method, request_serializer=asks.SerializeToString, response_deserializer=answers.FromString
            )
        return self._stubs[method]

    @property
    def _channel(self) -> grpc.aio.Channel:
        return self._client._firestore_api.transport.grpc_channel


def wire_of(client: AsyncClient) -> Wire:
    """The wire of a client; one that only stands in for the official client brings its own."""
    wire: Wire | None = getattr(client, "wire", None)
    return wire or GrpcWire(client)
