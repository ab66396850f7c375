"""Messages published twice on purpose, as any broker does it by chance."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from tidegate.errors import PublishFailed
from tidegate.messages import Message, Outgoing

_MAX_BATCH = 100
_JOIN_SECONDS = 10


def event_id(message: Message) -> str:
    """What stays the same however often the message is published; a dead letter's names who gave the event up."""
    event, function = message.attributes.get("ce-id", message.id), message.attributes.get("tidegate-dead-function")
    return f"{function}:{event}" if function else event


def is_chosen(topic: str, event: str, *, seed: int, share: float) -> bool:
    """Whether this event is among the ``share`` that is published twice.

    It hangs on nothing but the arguments: whatever the order of arrival, the same ones are chosen.
    """
    digest = hashlib.sha256(f"{seed}\0{topic}\0{event}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def copy_of(topic: str, message: Message) -> Outgoing:
    """The same message once more, to the last byte; only its message id will differ."""
    return Outgoing(topic, message.data, message.attributes, key=message.attributes.get("ce-partitionkey", ""))


class Republisher:
    """While entered, publishes in a thread of its own what it is given: who sees a message must not be held up."""

    def __init__(self, publish: Callable[[Sequence[Outgoing]], None], on_failure: Callable[[Exception], None]) -> None:
        self._publish = publish
        self._on_failure = on_failure
        self._queue: SimpleQueue[Outgoing | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="republisher", daemon=True)

    def add(self, message: Outgoing) -> None:
        """Publish it soon. From any thread."""
        self._queue.put(message)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._queue.put(None)
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        while batch := self._next_batch():
            try:
                self._publish(batch)
            except PublishFailed as failure:
                self._on_failure(failure)
                return

    def _next_batch(self) -> list[Outgoing]:
        """What waits, at least one message; empty when it is time to end."""
        batch: list[Outgoing] = []
        while len(batch) < _MAX_BATCH and not (batch and self._queue.empty()):
            message = self._queue.get()
            if message is None:
                return []
            batch.append(message)
        return batch
