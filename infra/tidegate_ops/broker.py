"""Pub/Sub clients that can only talk to the emulator."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import grpc
from google.api_core.exceptions import GoogleAPIError
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import PubsubMessage

from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing

_CALL_SECONDS = 30


class LocalBroker:
    """The emulator at ``host``, as official clients and resource names of one project.

    The channel is given explicitly: clients that look at PUBSUB_EMULATOR_HOST themselves turn to production,
    with the user's own credentials, wherever the variable is missing.
    """

    def __init__(self, host: str, project: str) -> None:
        self.host = host
        self.project = project
        self._channel = grpc.insecure_channel(host)
        self.publisher = PublisherClient(transport=PublisherGrpcTransport(channel=self._channel))
        self.subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=self._channel))

    def topic_path(self, topic: str) -> str:
        """The topic's full resource name."""
        return f"projects/{self.project}/topics/{topic}"

    def subscription_path(self, subscription: str) -> str:
        """The subscription's full resource name."""
        return f"projects/{self.project}/subscriptions/{subscription}"

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish one message after another.

        Raises:
            PublishFailed: the emulator did not take one; those before it are out.
        """
        for each in messages:
            message = PubsubMessage(data=each.data, attributes=dict(each.attributes), ordering_key=each.key)
            try:
                self.publisher.publish(topic=self.topic_path(each.topic), messages=[message], timeout=_CALL_SECONDS)
            except GoogleAPIError as error:
                raise PublishFailed(f"topic {each.topic}: {type(error).__name__}: {error}") from error

    def close(self) -> None:
        """End every call that is under way, and the connection."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
