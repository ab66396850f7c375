"""A tap on topics: sees each message that passes, and takes none from the functions."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1.types import ReceivedMessage, StreamingPullRequest, StreamingPullResponse

from tidegate.messages import Message
from tidegate_ops.broker import LocalBroker

_log = logging.getLogger(__name__)
TAP_PREFIX = "tap-"
"""What the names of its subscriptions begin with."""
_ACK_DEADLINE_SECONDS = 60
_JOIN_SECONDS = 5


class Tap:
    """While entered, calls ``on_message(topic, message)`` for all that is published to ``topics``.

    Each topic has a thread of its own, so ``on_message`` is called from several. A message may come twice, and
    what ``on_message`` raises is logged and costs that message alone.
    """

    def __init__(
        self, host: str, project: str, topics: Iterable[str], on_message: Callable[[str, Message], None]
    ) -> None:
        self._broker = LocalBroker(host, project)
        self._on_message = on_message
        suffix = uuid4().hex[:8]
        self._streams = {topic: _Stream(self._broker, topic, f"{TAP_PREFIX}{suffix}-{topic}") for topic in topics}
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        for topic, stream in self._streams.items():
            stream.open()
            thread = threading.Thread(target=self._watch, args=(topic, stream), name=f"tap-{topic}", daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in self._streams.values():
            stream.close()
        for thread in self._threads:
            thread.join(_JOIN_SECONDS)
        self._broker.close()

    def _watch(self, topic: str, stream: "_Stream") -> None:
        for received in stream:
            message = received.message
            try:
                self._on_message(
                    topic,
                    Message(
                        id=message.message_id,
                        data=message.data,
                        attributes=dict(message.attributes),
                        publish_time=message.publish_time,
                        subscription=stream.subscription,
                    ),
                )
            except Exception:
                _log.exception("the tap on %s could not show message %s", topic, message.message_id)


class _Stream:
    """A pull subscription of the tap's own and the open StreamingPull call on it."""

    def __init__(self, broker: LocalBroker, topic: str, subscription: str) -> None:
        self.subscription = subscription
        self._broker = broker
        self._topic = topic
        self._requests: SimpleQueue[StreamingPullRequest | None] = SimpleQueue()
        self._call: Any = None  # grpc's stub has no types; None until opened

    def open(self) -> None:
        """Create the subscription and begin to pull; what is published from now on is seen."""
        path = self._broker.subscription_path(self.subscription)
        self._broker.subscriber.create_subscription(
            name=path, topic=self._broker.topic_path(self._topic), ack_deadline_seconds=_ACK_DEADLINE_SECONDS
        )
        self._requests.put(StreamingPullRequest(subscription=path, stream_ack_deadline_seconds=_ACK_DEADLINE_SECONDS))
        # The transport's own stub, since the client's method waits for the first message before it returns.
        pull: Any = self._broker.subscriber.transport.streaming_pull
        self._call = pull(iter(self._requests.get, None))

    def close(self) -> None:
        """End the call, which ends the iteration, and remove the subscription."""
        if self._call is None:
            return
        self._requests.put(None)
        self._call.cancel()
        with suppress(GoogleAPICallError):  # the emulator may have been stopped first
            self._broker.subscriber.delete_subscription(
                subscription=self._broker.subscription_path(self.subscription), timeout=_JOIN_SECONDS
            )

    def __iter__(self) -> Iterator[ReceivedMessage]:
        try:
            for response in self._call:
                yield from self._acked(response)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.CANCELLED:
                _log.warning("the tap on %s ended: %s", self._topic, error.details())

    def _acked(self, response: StreamingPullResponse) -> Iterable[ReceivedMessage]:
        """The response's messages, acked before they are shown: a tap that fails must not pile up a backlog."""
        received = list(response.received_messages)
        if received:
            self._requests.put(StreamingPullRequest(ack_ids=[each.ack_id for each in received]))
        return received
