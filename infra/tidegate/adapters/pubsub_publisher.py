"""The publisher on Google Cloud Pub/Sub: as few requests as their limits allow."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence

from google.api_core import exceptions
from google.api_core.retry.retry_unary_async import AsyncRetry
from google.pubsub_v1.services.publisher import PublisherAsyncClient
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from tidegate.adapters.google_failures import GOOGLE_FAILURES, TRANSIENT
from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing

MAX_MESSAGES = 1_000
MAX_BYTES = 9_500_000
"""Below Pub/Sub's 10 MB a request, which counts the topic's name and the framing as well."""

_FRAMING_BYTES = 8  # at most what the request adds around a message


class PubSubPublisher:
    """Implements `tidegate.ports.Publisher`.

    A request whose answer is lost is sent again: an event keeps its id however often it is
    published, so a second copy is dropped where it arrives.
    """

    def __init__(self, client: PublisherAsyncClient, project: str, *, timeout_seconds: float = 30.0) -> None:
        """``timeout_seconds`` bounds one request with all its tries."""
        self._client = client
        self._project = project
        self._timeout_seconds = timeout_seconds
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

    async def _send(self, topic: str, requests: Iterable[list[PubsubMessage]]) -> None:
        """One request after another; the first that fails is the last, or later messages would overtake it."""
        for messages in requests:
            request = PublishRequest(topic=f"projects/{self._project}/topics/{topic}", messages=messages)
            try:
                await self._client.publish(request, retry=self._retry, timeout=self._timeout_seconds)
            except exceptions.NotFound as error:
                raise PublishFailed(
                    f"topic {topic} does not exist in project {self._project}: name it in the topology and deploy "
                    f"that, or run `gcloud pubsub topics create {topic} --project={self._project}`"
                ) from error
            except GOOGLE_FAILURES as error:
                raise PublishFailed(f"topic {topic}: {type(error).__name__}: {error}") from error


def _lanes(messages: Sequence[Outgoing]) -> Iterator[tuple[str, Iterable[list[PubsubMessage]]]]:
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


def _requests(messages: Iterable[Outgoing]) -> Iterator[list[PubsubMessage]]:
    """The messages in order, cut where a request is full. One too large for any request gets its own."""
    request: list[PubsubMessage] = []
    size = 0
    for outgoing in messages:
        message = PubsubMessage(data=outgoing.data, attributes=dict(outgoing.attributes), ordering_key=outgoing.key)
        length = message._pb.ByteSize() + _FRAMING_BYTES
        if request and (len(request) == MAX_MESSAGES or size + length > MAX_BYTES):
            yield request
            request, size = [], 0
        request.append(message)
        size += length
    if request:
        yield request
