"""The publisher on Google Cloud Pub/Sub."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import grpc

from tidegate.adapters.google_failures import TRANSIENT, call_error_of
from tidegate.adapters.google_messages import MESSAGES
from tidegate.adapters.grouped_publisher import GroupedPublisher
from tidegate.adapters.patience import Patience
from tidegate.messages import Outgoing
from tidegate.outstanding import Outstanding

_TRIES = 20
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 5.0
_AGAIN_AFTER = (*TRANSIENT, "Cancelled")  # by Pub/Sub, as Google's own publisher takes it
_Request, _Response = MESSAGES["PublishRequest"], MESSAGES["PublishResponse"]


class PubSubPublisher(GroupedPublisher):
    """A `GroupedPublisher` whose requests go to Pub/Sub, as raw protobuf.

    A request whose answer is lost is sent again: an event keeps its id however often it is published, so a second
    copy is dropped where it arrives.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        project: str,
        *,
        timeout_seconds: float = 30.0,
        outstanding: Outstanding | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """
        Args:
            timeout_seconds: bounds a try, and from when on there is none again.
            outstanding: bounds all requests at a time.
            jitter: draws from 0 to 1.
        """
        super().__init__(self._request, project, outstanding)
        self._timeout_seconds = timeout_seconds
        self._patience = Patience(_TRIES, timeout_seconds, _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, jitter)
        self._stub = channel.unary_unary(
            "/google.pubsub.v1.Publisher/Publish",
            request_serializer=_Request.SerializeToString,
            response_deserializer=_Response.FromString,
        )

    async def _request(self, topic: str, messages: Sequence[Outgoing]) -> None:
        path = f"projects/{self._project}/topics/{topic}"
        request = _Request(topic=path)
        for each in messages:
            # Made in place: messages that are handed over are copied, at several times the cost.
            request.messages.add(data=each.data, ordering_key=each.key).attributes.update(each.attributes)
        metadata = (("x-goog-request-params", f"topic={path}"),)
        await self._patience.answer(lambda: self._once(request, metadata), again_after=_AGAIN_AFTER)

    async def _once(self, request: Any, metadata: tuple[tuple[str, str], ...]) -> None:
        try:
            await self._stub(request, timeout=self._timeout_seconds, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise call_error_of(error) from error
