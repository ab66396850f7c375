"""What a process reaches outside of itself, each call subject to the run's faults."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from google.api_core.exceptions import ServiceUnavailable

from tests.simulation.faults import Chaos, Process
from tidegate.adapters.firestore_wire import Wire
from tidegate.controls import Subscriptions
from tidegate.errors import PublishFailed, SubscriptionUnavailable
from tidegate.messages import Outgoing
from tidegate.pauses import Push
from tidegate.ports import Publisher, Timers

T = TypeVar("T")

_PUBLISHING_SECONDS = 30.0  # as long as the real publisher gives a request


@dataclass
class FaultyWire:
    """The ledger's way to Firestore as one process has it: a call is lost, or late, with all that share it."""

    process: Process
    wire: Wire
    chaos: Chaos

    @property
    def database(self) -> str:
        return self.wire.database

    @property
    def max_commit_bytes(self) -> int:
        return self.wire.max_commit_bytes

    async def commit(self, request: Any, timeout_seconds: float) -> Any:
        return await self._io("commit", request.writes, self.wire.commit, request, timeout_seconds)

    async def batch_write(self, request: Any, timeout_seconds: float) -> Any:
        return await self._io("write", request.writes, self.wire.batch_write, request, timeout_seconds)

    async def batch_get(self, request: Any, timeout_seconds: float) -> list[Any]:
        return await self._io("read", request.documents, self.wire.batch_get, request, timeout_seconds)

    async def _io(
        self,
        what: str,
        documents: Sequence[Any],
        call: Callable[[Any, float], Awaitable[T]],
        request: Any,
        seconds: float,
    ) -> T:
        told = f"{what} {', '.join(map(_told, documents))}" if self.chaos.traced else what
        return await self.chaos.io(self.process, told, lambda: call(request, seconds), _failure, seconds)


@dataclass
class FaultyRequests:
    """The publisher's requests to the broker as one process makes them; what shares a request is lost with it."""

    process: Process
    publisher: Publisher
    chaos: Chaos

    async def __call__(self, topic: str, messages: Sequence[Outgoing]) -> None:
        what = f"publish {len(messages)} to {topic}"
        await self.chaos.io(self.process, what, lambda: self.publisher.publish(messages), _failure, _PUBLISHING_SECONDS)


@dataclass
class FaultyTimers:
    """The timers as one process reaches them; they themselves keep what they took."""

    process: Process
    timers: Timers
    chaos: Chaos

    async def schedule(self, message: Outgoing) -> None:
        what = f"schedule {message.topic}"
        await self.chaos.io(self.process, what, lambda: self.timers.schedule(message), PublishFailed)


@dataclass
class FaultySubscriptions:
    """Push configurations as one process reaches them."""

    process: Process
    subscriptions: Subscriptions
    chaos: Chaos

    async def read(self, name: str) -> Push | None:
        return await self._io(f"look at {name}", lambda: self.subscriptions.read(name))

    async def attach(self, name: str, push: Push) -> None:
        await self._io(f"attach {name}", lambda: self.subscriptions.attach(name, push))

    async def detach(self, name: str) -> None:
        await self._io(f"detach {name}", lambda: self.subscriptions.detach(name))

    async def _io(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        return await self.chaos.io(self.process, what, call, SubscriptionUnavailable)


@dataclass
class FaultyFirestore:
    """The low-level Firestore service as one process reaches it, under the official client."""

    process: Process
    service: Any
    chaos: Chaos

    async def commit(self, **request: Any) -> Any:
        return await self._io("commit", self.service.commit, request)

    async def batch_get_documents(self, **request: Any) -> Any:
        return await self._io("get", self.service.batch_get_documents, request)

    async def run_query(self, **request: Any) -> Any:
        return await self._io("query", self.service.run_query, request)

    async def run_aggregation_query(self, **request: Any) -> Any:
        return await self._io("aggregate", self.service.run_aggregation_query, request)

    async def _io(self, what: str, call: Any, request: dict[str, Any]) -> Any:
        told = _named(what, request["request"]) if self.chaos.traced else what
        return await self.chaos.io(self.process, told, lambda: call(**request), _failure, request.get("timeout"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.service, name)


def _failure(why: str) -> ServiceUnavailable:
    return ServiceUnavailable(why)  # type: ignore[no-untyped-call]


def _named(what: str, request: dict[str, Any]) -> str:
    """What the trace says of a call: which documents it is about."""
    names = request.get("documents") or [_document(write) for write in request.get("writes", ())]
    paths = ", ".join(name.partition("/documents/")[2] for name in names)
    return f"{what} {paths}"


def _told(document: Any) -> str:
    """What the trace says of a document that is read, or of a raw write."""
    if isinstance(document, str):
        return document.rpartition("/")[2][:30]
    fields = document.update.fields
    if not {"status", "attempt", "owner"} <= fields.keys():  # to ask a raw map for what it lacks would put it there
        return _document(document).partition("/documents/")[2]
    return f"{fields['status'].string_value} {fields['attempt'].integer_value} by {fields['owner'].string_value[:4]}"


def _document(write: Any) -> str:
    name: str = write.delete or write.update.name
    return name
