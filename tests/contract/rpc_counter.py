"""Counts what a client asks of Firestore and Pub/Sub, on the wire, whichever library layer asks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1.services.firestore import FirestoreAsyncClient
from google.cloud.firestore_v1.services.firestore.transports import FirestoreGrpcAsyncIOTransport
from google.pubsub_v1.services.publisher import PublisherAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport


@dataclass
class RpcCounter:
    """How often each method was called, and how many documents and messages the calls held.

    Attributes:
        writes, reads: documents written by Commit and BatchWrite, read by BatchGetDocuments.
        messages: messages in Publish requests.
        others: calls of any other method.
    """

    commits: int = 0
    batch_writes: int = 0
    gets: int = 0
    publishes: int = 0
    others: int = 0
    writes: int = 0
    reads: int = 0
    messages: int = 0

    def count(self, method: str, request: Any) -> None:
        """Add one call of ``method``, such as ``/google.firestore.v1.Firestore/Commit``."""
        match method.rpartition("/")[2]:
            case "Commit":
                self.commits += 1
                self.writes += len(request.writes)
            case "BatchWrite":
                self.batch_writes += 1
                self.writes += len(request.writes)
            case "BatchGetDocuments":
                self.gets += 1
                self.reads += len(request.documents)
            case "Publish":
                self.publishes += 1
                self.messages += len(request.messages)
            case _:
                self.others += 1

    def reset(self) -> None:
        """Start again from zero."""
        for name in self.__dataclass_fields__:
            setattr(self, name, 0)


class _CountUnary(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    def __init__(self, counter: RpcCounter) -> None:
        self._counter = counter

    async def intercept_unary_unary(
        self, continuation: Callable[[Any, Any], Any], client_call_details: Any, request: Any
    ) -> Any:
        self._counter.count(_method(client_call_details), request)
        return await continuation(client_call_details, request)


class _CountStream(grpc.aio.UnaryStreamClientInterceptor):  # type: ignore[misc]
    def __init__(self, counter: RpcCounter) -> None:
        self._counter = counter

    async def intercept_unary_stream(
        self, continuation: Callable[[Any, Any], Any], client_call_details: Any, request: Any
    ) -> Any:
        self._counter.count(_method(client_call_details), request)
        return await continuation(client_call_details, request)


def counted_firestore(host: str, project: str, counter: RpcCounter) -> AsyncClient:
    """A client of the emulator at ``host`` whose calls ``counter`` sees."""
    client = AsyncClient(project=project, credentials=AnonymousCredentials())
    client._emulator_host = host  # for the metadata that the emulator wants
    transport = FirestoreGrpcAsyncIOTransport(channel=_channel(host, counter))
    client._firestore_api_internal = FirestoreAsyncClient(transport=transport)
    return client


def counted_publisher(host: str, counter: RpcCounter) -> PublisherAsyncClient:
    """A publisher on the emulator at ``host`` whose calls ``counter`` sees."""
    return PublisherAsyncClient(transport=PublisherGrpcAsyncIOTransport(channel=_channel(host, counter)))


def _channel(host: str, counter: RpcCounter) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(host, interceptors=[_CountUnary(counter), _CountStream(counter)])


def _method(details: Any) -> str:
    method = details.method
    return method.decode() if isinstance(method, bytes) else str(method)
