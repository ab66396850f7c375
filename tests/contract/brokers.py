"""Brokers under test: a publisher, and a way to see what arrived."""

import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import grpc
from google.api_core.exceptions import DeadlineExceeded
from google.pubsub_v1.services.publisher import PublisherAsyncClient
from google.pubsub_v1.services.subscriber import SubscriberAsyncClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport
from google.pubsub_v1.types import Subscription

from tidegate.adapters.google_clients import publisher_client
from tidegate.adapters.memory_broker import MemoryBroker, PushSubscription
from tidegate.adapters.pubsub_publisher import PubSubPublisher
from tidegate.inputs import read
from tidegate.messages import Outgoing
from tidegate.ports import Publisher
from tidegate.settings import Settings


class Broker(Protocol):
    """What the publisher's suite needs of a broker."""

    @property
    def publisher(self) -> Publisher:
        """The adapter under test."""
        ...

    async def create(self, topic: str) -> None:
        """Make the topic, and something that keeps what arrives there."""
        ...

    async def received(self, topic: str, count: int) -> list[Outgoing]:
        """The next messages on the topic, at most ``count``, those of one key in the order of their delivery."""
        ...


class KeepingMemoryBroker:
    """The broker in memory, with one ordered push subscription a topic that keeps what comes."""

    def __init__(self) -> None:
        self.publisher = MemoryBroker(["flight.reported", "flight.assessed", "flight.cancelled", "note.edited"])
        self._kept: dict[str, list[Outgoing]] = {}

    async def create(self, topic: str) -> None:
        kept = self._kept[topic] = []

        async def keep(headers: Mapping[str, str], body: bytes) -> int:
            message = read(headers, body).message
            key = json.loads(body)["message"].get("orderingKey", "")
            kept.append(Outgoing(topic, message.data, message.attributes, key))
            return 200

        self.publisher.subscribe(PushSubscription(f"keep-{topic}", topic, keep, ordered=True))

    async def received(self, topic: str, count: int) -> list[Outgoing]:
        await self.publisher.drained()
        kept = self._kept[topic]
        found, kept[:] = kept[:count], kept[count:]
        return found


class EmulatorBroker:
    """The Pub/Sub emulator, with one ordered pull subscription a topic."""

    def __init__(self, publisher: PublisherAsyncClient, subscriber: SubscriberAsyncClient) -> None:
        self.project = f"contract-{secrets.token_hex(4)}"
        self.publisher = PubSubPublisher(publisher.transport.grpc_channel, self.project)
        self._topics = publisher
        self._subscriber = subscriber

    async def create(self, topic: str) -> None:
        name = f"projects/{self.project}/topics/{topic}"
        await self._topics.create_topic(name=name)
        await self._subscriber.create_subscription(
            Subscription(name=self._subscription(topic), topic=name, enable_message_ordering=True)
        )

    async def received(self, topic: str, count: int) -> list[Outgoing]:
        found: list[Outgoing] = []
        while len(found) < count:
            try:
                answer = await self._subscriber.pull(
                    subscription=self._subscription(topic), max_messages=1000, timeout=30, retry=None
                )
            except DeadlineExceeded:
                break
            for each in answer.received_messages:
                message = each.message
                found.append(Outgoing(topic, message.data, dict(message.attributes), message.ordering_key))
            await self._subscriber.acknowledge(
                subscription=self._subscription(topic), ack_ids=[each.ack_id for each in answer.received_messages]
            )
        return found

    def _subscription(self, topic: str) -> str:
        return f"projects/{self.project}/subscriptions/{topic}"


@asynccontextmanager
async def emulator_broker(host: str) -> AsyncIterator[EmulatorBroker]:
    """A project of its own on the emulator, disconnected at the end."""
    publisher = publisher_client(Settings(project="unused", pubsub_emulator_host=host))
    subscriber = SubscriberAsyncClient(
        transport=SubscriberGrpcAsyncIOTransport(channel=grpc.aio.insecure_channel(host))
    )
    try:
        yield EmulatorBroker(publisher, subscriber)
    finally:
        await publisher.transport.close()
        await subscriber.transport.close()
