"""The Pub/Sub publisher's own promises: few requests, within Pub/Sub's limits, and failures that help."""

import asyncio
import socket
from typing import Any

import grpc
import pytest

from tests.contract.brokers import EmulatorBroker, emulator_broker
from tests.contract.rpc_counter import RpcCounter, counted_publisher
from tidegate.adapters.google_channels import pubsub_channel
from tidegate.adapters.google_messages import MESSAGES
from tidegate.adapters.pubsub_publisher import PubSubPublisher
from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing
from tidegate.outstanding import Outstanding
from tidegate.settings import Settings

pytestmark = pytest.mark.anyio


async def test_one_request_for_many_messages(pubsub_emulator: Any) -> None:
    """Messages of a topic share requests of up to a thousand."""
    async with emulator_broker(pubsub_emulator.host) as broker:
        assert await requests_for(broker, pubsub_emulator.host, [b"x"] * 1000) == 1
        assert await requests_for(broker, pubsub_emulator.host, [b"x"] * 2500) == 3


async def test_requests_stay_below_the_size_limit(pubsub_emulator: Any) -> None:
    """Large messages are spread over requests that Pub/Sub accepts."""
    async with emulator_broker(pubsub_emulator.host) as broker:
        assert await requests_for(broker, pubsub_emulator.host, [b"x" * 1_000_000] * 12) == 2


async def test_what_is_under_way_is_bounded(pubsub_emulator: Any) -> None:
    """Many deliveries that publish much at once wait for one another; everything arrives, each key in its order."""
    traffic = Traffic()
    outstanding = Outstanding(max_pieces=8, max_bytes=350_000)
    async with emulator_broker(pubsub_emulator.host) as broker:
        await broker.create("flight.assessed")
        channel = grpc.aio.insecure_channel(pubsub_emulator.host, interceptors=[traffic])
        publisher = PubSubPublisher(channel, broker.project, outstanding=outstanding)
        large = Outgoing("flight.assessed", b"x" * 100_000)
        keyed = [[Outgoing("flight.assessed", b"%d" % n, key=f"k{key}") for n in range(20)] for key in range(10)]
        await asyncio.gather(*(publisher.publish(each) for each in (*[[large]] * 24, *keyed)))
        found = await broker.received("flight.assessed", 24 + 200)
        await channel.close()
    assert 200_000 <= traffic.most_bytes <= 350_000
    assert sum(message.data == large.data for message in found) == 24
    for key in range(10):
        assert [int(message.data) for message in found if message.key == f"k{key}"] == list(range(20))


async def test_a_missing_topic_fails_alone(pubsub_emulator: Any) -> None:
    """The other topics' messages are out."""
    async with emulator_broker(pubsub_emulator.host) as broker:
        await broker.create("flight.assessed")
        with pytest.raises(PublishFailed):
            await broker.publisher.publish([Outgoing("flight.assessed", b"1"), Outgoing("no.such", b"2")])
        assert [each.data for each in await broker.received("flight.assessed", 1)] == [b"1"]


async def test_missing_topic_says_what_to_do(pubsub_emulator: Any) -> None:
    """The failure names the topic, its project and the command that creates it."""
    async with emulator_broker(pubsub_emulator.host) as broker:
        with pytest.raises(PublishFailed, match=f"gcloud pubsub topics create no.such --project={broker.project}"):
            await broker.publisher.publish([Outgoing("no.such", b"1")])


async def test_unreachable_broker() -> None:
    """Where nobody listens, the failure names the topic and the cause."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{holder.getsockname()[1]}"
        channel = pubsub_channel(Settings(project="p", pubsub_emulator_host=host))
        # The first refusal counts, however late it comes: a second try would be too late.
        publisher = PubSubPublisher(channel, "p", timeout_seconds=30, jitter=lambda: 600.0)
        with pytest.raises(PublishFailed, match=r"topic flight\.assessed: .*refused") as told:
            await publisher.publish([Outgoing("flight.assessed", b"1")])
        assert told.value.__cause__ is not None
        await channel.close()


async def test_a_request_without_an_answer_is_sent_again() -> None:
    """What may pass is tried again after a moment; what will not is said at once."""
    answers = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, None, grpc.StatusCode.PERMISSION_DENIED]
    asked: list[Any] = []

    async def publish(request: Any, context: Any) -> Any:
        asked.append(request)
        if status := answers[len(asked) - 1]:
            await context.abort(status, "not now")
        return MESSAGES["PublishResponse"]()

    method = grpc.unary_unary_rpc_method_handler(
        publish, MESSAGES["PublishRequest"].FromString, MESSAGES["PublishResponse"].SerializeToString
    )
    server = grpc.aio.server()
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", {"Publish": method})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with pubsub_channel(Settings(project="p", pubsub_emulator_host=f"127.0.0.1:{port}")) as channel:
        publisher = PubSubPublisher(channel, "p")
        await publisher.publish([Outgoing("flight.assessed", b"1")])
        assert len(asked) == 3
        with pytest.raises(PublishFailed, match="PermissionDenied"):
            await publisher.publish([Outgoing("flight.assessed", b"2")])
    await server.stop(None)
    assert [each.messages[0].data for each in asked] == [b"1", b"1", b"1", b"2"]


class Traffic(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc]
    """How much data is on its way, now and at most."""

    def __init__(self) -> None:
        self.now_bytes = 0
        self.most_bytes = 0

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        size = sum(len(each.data) for each in request.messages)
        self.now_bytes += size
        self.most_bytes = max(self.most_bytes, self.now_bytes)
        call = await continuation(client_call_details, request)
        await call
        self.now_bytes -= size
        return call


async def requests_for(broker: EmulatorBroker, host: str, payloads: list[bytes]) -> int:
    """How many requests it takes to publish these to a topic."""
    topic, counter = f"topic-{len(payloads)}", RpcCounter()
    await broker.create(topic)
    client = counted_publisher(host, counter)
    await PubSubPublisher(client.transport.grpc_channel, broker.project).publish(
        [Outgoing(topic, each) for each in payloads]
    )
    await client.transport.close()
    assert counter.messages == len(payloads)
    return counter.publishes
