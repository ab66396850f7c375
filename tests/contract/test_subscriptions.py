"""Push configurations: of the broker in memory and of the emulator."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from tests.contract.brokers import emulator_broker
from tests.contract.ordered_topics import served
from tidegate.adapters.google_clients import subscriber_client
from tidegate.adapters.memory_broker import MemoryBroker
from tidegate.adapters.memory_subscriptions import MemorySubscriptions
from tidegate.adapters.pubsub_subscriptions import PubSubSubscriptions
from tidegate.controls import Subscriptions
from tidegate.errors import SubscriptionUnavailable
from tidegate.inputs import read
from tidegate.messages import Outgoing
from tidegate.pauses import Push
from tidegate.ports import Publisher
from tidegate.settings import Settings
from tidegate.topology import Topology
from tidegate_ops.broker import LocalBroker
from tidegate_ops.embedded_application import subscription
from tidegate_ops.provision import provision

pytestmark = pytest.mark.anyio

TOPIC, FUNCTION, NAME = "bell.rung", "open_door", "open-door"
TOPOLOGY = Topology.model_validate(
    {"application": "contract-tests", "topics": {TOPIC: {}}, "functions": {FUNCTION: {"topic": TOPIC}}}
)
PATIENCE_SECONDS = 20


@dataclass
class Door:
    """A subscription's function, which keeps what is pushed to it."""

    subscriptions: Subscriptions
    publisher: Publisher
    heard: list[str] = field(default_factory=list)
    change: asyncio.Event = field(default_factory=asyncio.Event)

    async def push(self, headers: Mapping[str, str], body: bytes) -> int:
        self.heard.append(read(headers, body).message.data.decode())
        self.change.set()
        return 200

    async def ring(self, text: str) -> None:
        await self.publisher.publish([Outgoing(TOPIC, text.encode())])

    async def hears(self, *texts: str) -> None:
        """Wait until it has heard these, in any order, and nothing else."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.heard) < len(texts):
                self.change.clear()
                await self.change.wait()
        assert sorted(self.heard) == sorted(texts)


@pytest.fixture(params=["memory", "emulator"])
async def door(request: pytest.FixtureRequest) -> AsyncIterator[Door]:
    """Each broker in turn, with a subscription that pushes."""
    if request.param == "memory":
        memory = MemoryBroker([TOPIC, TOPOLOGY.dead_letter_topic])
        door = Door(MemorySubscriptions(memory), memory)
        memory.subscribe(subscription(TOPOLOGY, FUNCTION, door.push))
        yield door
        await memory.close()
        return
    host = request.getfixturevalue("pubsub_emulator").host
    async with AsyncExitStack() as cleanup:
        broker = await cleanup.enter_async_context(emulator_broker(host))
        local = cleanup.enter_context(LocalBroker(host, broker.project))
        client = subscriber_client(Settings(project=broker.project, pubsub_emulator_host=host))
        cleanup.push_async_callback(client.transport.close)
        door = Door(PubSubSubscriptions(client, broker.project), broker.publisher)
        provision(local, TOPOLOGY, {FUNCTION: cleanup.enter_context(served(door.push))})
        cleanup.callback(local.subscriber.delete_subscription, subscription=local.subscription_path(NAME))
        yield door


async def test_what_comes_while_it_is_detached_waits(door: Door) -> None:
    """Nothing is pushed then; attached as it was, it gets all of that, and what comes later."""
    await door.ring("before")
    await door.hears("before")
    push = await door.subscriptions.read(NAME)
    assert push is not None
    await door.subscriptions.detach(NAME)
    assert await door.subscriptions.read(NAME) is None
    await door.ring("meanwhile")
    await asyncio.sleep(0.3)  # nothing can be waited for: a push would take some ten milliseconds
    assert door.heard == ["before"]
    await door.subscriptions.attach(NAME, push)
    assert await door.subscriptions.read(NAME) == push
    await door.ring("after")
    await door.hears("before", "meanwhile", "after")


@pytest.mark.parametrize(
    "push",
    [
        Push("http://127.0.0.1:9/"),
        Push("http://127.0.0.1:9/", "push@p.example", "https://desk.example/", attributes={"x-goog-version": "v1"}),
        Push("http://127.0.0.1:9/", "push@p.example", "http://127.0.0.1:9/", unwrapped=True, metadata=True),
        Push("http://127.0.0.1:9/", unwrapped=True),
    ],
)
async def test_it_is_attached_as_it_was_read(door: Door, push: Push) -> None:
    """Endpoint, signature, form and attributes come back as they were given, however often; so does their absence."""
    for _ in range(2):
        await door.subscriptions.attach(NAME, push)
        assert await door.subscriptions.read(NAME) == push
    for _ in range(2):
        await door.subscriptions.detach(NAME)
        assert await door.subscriptions.read(NAME) is None


async def test_an_unknown_subscription_is_said_to_be_missing(door: Door) -> None:
    """None of the calls takes it for one that is paused."""
    for call in (
        door.subscriptions.read("nowhere"),
        door.subscriptions.attach("nowhere", Push("http://127.0.0.1:9/")),
        door.subscriptions.detach("nowhere"),
    ):
        with pytest.raises(SubscriptionUnavailable, match="nowhere does not exist"):
            await call
