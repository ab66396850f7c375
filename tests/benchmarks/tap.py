"""A tap on the wire: whatever a function asks of Firestore and Pub/Sub is counted, whichever library asks."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import grpc
from google.cloud.firestore_v1.types import BatchGetDocumentsRequest, BatchWriteRequest, CommitRequest
from google.pubsub_v1.types import PublishRequest

from tests.contract.rpc_counter import RpcCounter

_THREADS = 200
"""One for each call that is under way."""
_REQUESTS = {
    "Commit": CommitRequest,
    "BatchWrite": BatchWriteRequest,
    "BatchGetDocuments": BatchGetDocumentsRequest,
    "Publish": PublishRequest,
}
_GRACE_SECONDS = 1
_UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Tap(grpc.GenericRpcHandler):  # type: ignore[misc]
    """While entered, hands calls that one request makes on to the emulators, at ``host`` for both of them.

    Attributes:
        counter: what has been asked so far.
        message_ids: the ``ce-id`` of every message that was published, in order.
    """

    def __init__(self, firestore: str, pubsub: str) -> None:
        self.counter = RpcCounter()
        self.message_ids: list[str] = []
        self._hosts = {"google.firestore": firestore, "google.pubsub": pubsub}
        self._channels: dict[str, grpc.Channel] = {}
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(_THREADS), handlers=[self], options=_UNLIMITED)
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"

    def __enter__(self) -> Self:
        self._channels = {
            service: grpc.insecure_channel(host, options=_UNLIMITED) for service, host in self._hosts.items()
        }
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(_GRACE_SECONDS).wait()
        for channel in self._channels.values():
            channel.close()

    def reset(self) -> None:
        """Start counting again."""
        with self._lock:
            self.counter.reset()
            self.message_ids.clear()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_stream_rpc_method_handler(self._handing_on(details.method))

    def _handing_on(self, method: str) -> Callable[[bytes, grpc.ServicerContext], Iterator[bytes]]:
        [channel] = [each for service, each in self._channels.items() if method.startswith(f"/{service}")]
        call = channel.unary_stream(method)

        def hand_on(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            self._count(method, request)
            try:
                yield from call(request, metadata=_own(context.invocation_metadata()))
            except grpc.RpcError as error:
                context.set_trailing_metadata(_own(error.trailing_metadata() or ()))
                context.abort(error.code(), error.details())

        return hand_on

    def _count(self, method: str, request: bytes) -> None:
        kind = _REQUESTS.get(method.rpartition("/")[2])
        read: Any = kind.pb().FromString(request) if kind else None
        with self._lock:
            self.counter.count(method, read)
            if kind is PublishRequest:
                self.message_ids += [each.attributes["ce-id"] for each in read.messages]


def _own(metadata: Any) -> list[tuple[str, str | bytes]]:
    """Metadata without what belongs to the connection rather than to the call."""
    return [(key, value) for key, value in metadata if not key.startswith(("grpc-", "user-agent", ":"))]
