"""Firestore's calls in raw protobuf."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import grpc

from tidegate.adapters.google_channels import firestore_channel
from tidegate.adapters.google_failures import call_error_of
from tidegate.adapters.raw_documents import (
    BatchGetRequest,
    BatchGetResponse,
    BatchWriteRequest,
    BatchWriteResponse,
    CommitRequest,
    CommitResponse,
)
from tidegate.adapters.record_pieces import MAX_COMMIT_BYTES
from tidegate.settings import Settings

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncClient

_SERVICE = "/google.firestore.v1.Firestore/"
_EMULATOR_REQUEST_BYTES = 4 * 1024 * 1024


class Wire(Protocol):
    """The service as its requests and answers travel. Each call is made once and ends in the time that it has.

    Each raises what Google's own clients raise; `google.api_core.exceptions` says which.

    Attributes:
        database: the full name, ``projects/P/databases/D``.
        max_commit_bytes: what the service takes at once.
    """

    @property
    def database(self) -> str: ...

    @property
    def max_commit_bytes(self) -> int: ...

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
    """Implements `Wire` for the real service and for its emulator."""

    def __init__(self, database: str, connect: Callable[[], grpc.aio.Channel], *, emulated: bool) -> None:
        """
        Args:
            database: the full name.
            connect: makes or returns the channel; asked with the first call.
            emulated: whether the channel leads to the emulator.
        """
        self.database = database
        self.max_commit_bytes = _EMULATOR_REQUEST_BYTES if emulated else MAX_COMMIT_BYTES
        self._connect = connect
        self._metadata = (
            ("google-cloud-resource-prefix", database),
            *([("authorization", "Bearer owner")] if emulated else []),
            ("x-goog-request-params", f"database={quote(database, safe='')}"),
        )
        self._stubs: dict[str, Any] = {}

    async def commit(self, request: Any, timeout_seconds: float) -> Any:
        return await self._unary("Commit", CommitRequest, CommitResponse, request, timeout_seconds)

    async def batch_write(self, request: Any, timeout_seconds: float) -> Any:
        return await self._unary("BatchWrite", BatchWriteRequest, BatchWriteResponse, request, timeout_seconds)

    async def batch_get(self, request: Any, timeout_seconds: float) -> list[Any]:
        stub = self._stub("BatchGetDocuments", "unary_stream", BatchGetRequest, BatchGetResponse)
        try:
            return [each async for each in stub(request, timeout=timeout_seconds, metadata=self._metadata)]
        except grpc.aio.AioRpcError as error:
            raise call_error_of(error) from error

    async def _unary(self, method: str, asks: Any, answers: Any, request: Any, timeout_seconds: float) -> Any:
        stub = self._stub(method, "unary_unary", asks, answers)
        try:
            return await stub(request, timeout=timeout_seconds, metadata=self._metadata)
        except grpc.aio.AioRpcError as error:
            raise call_error_of(error) from error

    def _stub(self, method: str, kind: str, asks: Any, answers: Any) -> Any:
        if method not in self._stubs:
            self._stubs[method] = getattr(self._connect(), kind)(
                _SERVICE + method, request_serializer=asks.SerializeToString, response_deserializer=answers.FromString
            )
        return self._stubs[method]


def firestore_wire(settings: Settings) -> Wire:
    """The wire to the settings' database, on a channel of its own; call it inside the running event loop."""
    channel = firestore_channel(settings)
    database = f"projects/{settings.project}/databases/{settings.database}"
    return GrpcWire(database, lambda: channel, emulated=bool(settings.firestore_emulator_host))


def wire_of(client: "AsyncClient") -> Wire:
    """The wire of an official client, on its channel; one that only stands in for it brings its own."""
    wire: Wire | None = getattr(client, "wire", None)
    return wire or GrpcWire(
        client._database_string,
        lambda: client._firestore_api.transport.grpc_channel,
        emulated=client._emulator_host is not None,
    )
