"""The publisher on Google Cloud Pub/Sub: as few requests as their limits allow, and as many at a time as fit memory."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from google.api_core import exceptions
from google.api_core.retry.retry_unary_async import AsyncRetry
from google.pubsub_v1.services.publisher import PublisherAsyncClient
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from tidegate.adapters.google_failures import GOOGLE_FAILURES, TRANSIENT
from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing
from tidegate.outstanding import Outstanding

MAX_MESSAGES = 1_000
MAX_BYTES = 9_500_000
"""Below Pub/Sub's 10 MB a request, which counts the topic's name and the framing as well."""

OUTSTANDING_MESSAGES = 10_000
OUTSTANDING_BYTES = 4 * MAX_BYTES
"""What all deliveries of an instance may have under way together, as flow control of Google's own client blocks."""

_FRAMING_BYTES = 32  # at most what the request adds around a message, its data and its key
_ATTRIBUTE_BYTES = 12  # at most what it adds around an attribute's name and value


class PubSubPublisher:
    """Implements `tidegate.ports.Publisher`.

    A request whose answer is lost is sent again: an event keeps its id however often it is
    published, so a second copy is dropped where it arrives. A request is made once there is room for it;
    until then its messages are nowhere but in the records that owe them.
    """

    def __init__(
        self,
        client: PublisherAsyncClient,
        project: str,
        *,
        timeout_seconds: float = 30.0,
        outstanding: Outstanding | None = None,
    ) -> None:
        """``timeout_seconds`` bounds one request with all its tries, ``outstanding`` all requests at a time."""
        self._client = client
        self._project = project
        self._timeout_seconds = timeout_seconds
        self._outstanding = outstanding or Outstanding(OUTSTANDING_MESSAGES, OUTSTANDING_BYTES)
        self._retry = AsyncRetry(predicate=TRANSIENT, initial=0.1, maximum=5.0, timeout=timeout_seconds)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        lanes = [self._send(topic, requests) for topic, requests in _lanes(messages)]
        failures = [each for each in await asyncio.gather(*lanes, return_exceptions=True) if each is not None]
        unforeseen = [each for each in failures if not isinstance(each, PublishFailed)]
        if unforeseen:
            raise unforeseen[0]
        if failures:
            # A topic may fail in several requests, for the same reason or for others.
            raise PublishFailed("; ".join(sorted({str(each) for each in failures}))) from failures[0].__cause__

    async def _send(self, topic: str, requests: Iterable[list[Outgoing]]) -> None:
        """One request after another; the first that fails is the last, or later messages would overtake it."""
        for messages in requests:
            async with self._outstanding.place(len(messages), sum(map(_size, messages))):
                await self._publish(topic, messages)

    async def _publish(self, topic: str, messages: Iterable[Outgoing]) -> None:
        request = PublishRequest(
            topic=f"projects/{self._project}/topics/{topic}",
            messages=[
                PubsubMessage(data=each.data, attributes=dict(each.attributes), ordering_key=each.key)
                for each in messages
            ],
        )
        try:
            await self._client.publish(request, retry=self._retry, timeout=self._timeout_seconds)
        except exceptions.NotFound as error:
            raise PublishFailed(
                f"topic {topic} does not exist in project {self._project}: name it in the topology and deploy "
                f"that, or run `gcloud pubsub topics create {topic} --project={self._project}`"
            ) from error
        except GOOGLE_FAILURES as error:
            raise PublishFailed(f"topic {topic}: {type(error).__name__}: {error}") from error


def _lanes(messages: Sequence[Outgoing]) -> Iterator[tuple[str, Iterable[list[Outgoing]]]]:
    """(Topic, requests to send in order). What has no key needs no order: each of its requests is a lane."""
    keyed: dict[str, list[Outgoing]] = {}
    free: dict[str, list[Outgoing]] = {}
    for message in messages:
        (keyed if message.key else free).setdefault(message.topic, []).append(message)
    for topic, ordered in keyed.items():
        yield topic, _requests(ordered)
    for topic, unordered in free.items():
        for request in _requests(unordered):
            yield topic, [request]


def _requests(messages: Iterable[Outgoing]) -> Iterator[list[Outgoing]]:
    """The messages in order, cut where a request is full. One too large for any request gets its own."""
    request: list[Outgoing] = []
    size = 0
    for message in messages:
        length = _size(message)
        if request and (len(request) == MAX_MESSAGES or size + length > MAX_BYTES):
            yield request
            request, size = [], 0
        request.append(message)
        size += length
    if request:
        yield request


def _size(message: Outgoing) -> int:
    """The bytes of a request that a message takes up, at most; told without making a copy of it."""
    attributes = sum(
        len(name.encode()) + len(value.encode()) + _ATTRIBUTE_BYTES for name, value in message.attributes.items()
    )
    return len(message.data) + attributes + len(message.key.encode()) + _FRAMING_BYTES
