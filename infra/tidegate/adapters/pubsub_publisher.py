"""The publisher on Google Cloud Pub/Sub."""

from collections.abc import Sequence
from typing import Any, cast

import grpc
from google.api_core import exceptions
from google.api_core.retry.retry_unary_async import AsyncRetry
from google.pubsub_v1.services.publisher import PublisherAsyncClient
from google.pubsub_v1.types import PublishRequest, PublishResponse

from tidegate.adapters.google_failures import TRANSIENT
from tidegate.adapters.grouped_publisher import GroupedPublisher
from tidegate.messages import Outgoing
from tidegate.outstanding import Outstanding

_Request, _Response = PublishRequest.pb(), PublishResponse.pb()


class PubSubPublisher(GroupedPublisher):
    """A `GroupedPublisher` whose requests go to Pub/Sub, as raw protobuf on the official client's channel.

    A request whose answer is lost is sent again: an event keeps its id however often it is published, so a second
    copy is dropped where it arrives.
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
        super().__init__(self._request, project, outstanding)
        self._timeout_seconds = timeout_seconds
        retry = AsyncRetry(predicate=TRANSIENT, initial=0.1, maximum=5.0, timeout=timeout_seconds)
        self._patiently = retry(self._once)
        channel: grpc.aio.Channel = cast(Any, client.transport).grpc_channel
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
        await self._patiently(request, (("x-goog-request-params", f"topic={path}"),))

    async def _once(self, request: Any, metadata: tuple[tuple[str, str], ...]) -> None:
        try:
            await self._stub(request, timeout=self._timeout_seconds, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            raise exceptions.from_grpc_error(error) from error  # type: ignore[no-untyped-call]
