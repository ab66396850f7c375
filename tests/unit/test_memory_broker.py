"""The broker in memory: when it delivers, to whom, and when it stops. Order is `tests/contract/test_ordering.py`'s."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from tidegate.adapters.memory_broker import MemoryBroker, PushSubscription
from tidegate.errors import PublishFailed
from tidegate.inputs import read
from tidegate.messages import TARGET, Message, Outgoing
from tidegate.testing.virtual_loop import run

TOPIC, LETTERS = "order.placed", "dead.letters"
ORDER = Outgoing(TOPIC, b"one", {"colour": "red"})


class Endpoint:
    """Notes each request and when it came; answers with what ``answer`` returns."""

    def __init__(self, answer: Callable[[Message], Awaitable[int]]) -> None:
        self._answer = answer
        self.messages: list[Message] = []
        self.times: list[float] = []

    async def push(self, headers: Mapping[str, str], body: bytes) -> int:
        message = read(headers, body).message
        self.messages.append(message)
        self.times.append(asyncio.get_running_loop().time())
        return await self._answer(message)


def answering(*statuses: int) -> Endpoint:
    """An endpoint that answers with these, one after another, and with 200 from then on."""
    left = list(statuses)

    async def answer(message: Message) -> int:
        return left.pop(0) if left else 200

    return Endpoint(answer)


def broker_with(*endpoints: Endpoint, **options: Any) -> MemoryBroker:
    broker = MemoryBroker([TOPIC, LETTERS])
    for number, endpoint in enumerate(endpoints):
        broker.subscribe(PushSubscription(f"subscription-{number}", TOPIC, endpoint.push, **options))
    return broker


def deliver(messages: list[Outgoing], *endpoints: Endpoint, **options: Any) -> None:
    """Publish, and wait until nothing is left to do."""

    async def story() -> None:
        broker = broker_with(*endpoints, **options)
        await broker.publish(messages)
        await broker.drained()

    run(story())


def test_a_message_is_pushed_as_pubsub_wraps_it() -> None:
    """Data, attributes, id, time and subscription arrive; every subscription of the topic gets a copy."""
    first, second = answering(), answering()
    deliver([ORDER], first, second)
    [message], [other] = first.messages, second.messages
    assert (message.data, message.attributes, message.subscription) == (b"one", {"colour": "red"}, "subscription-0")
    assert message.publish_time is not None
    assert (other.id, other.subscription) == (message.id, "subscription-1")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_these_answers_are_acks(status: int) -> None:
    """What Pub/Sub takes for an ack ends the delivery."""
    endpoint = answering(status)
    deliver([ORDER], endpoint)
    assert len(endpoint.messages) == 1


@pytest.mark.parametrize("status", [203, 302, 400, 409, 429, 503])
def test_any_other_answer_is_a_nack(status: int) -> None:
    """The message comes again."""
    endpoint = answering(status)
    deliver([ORDER], endpoint)
    assert [each.id for each in endpoint.messages] == ["1", "1"]


def test_a_failed_request_is_a_nack() -> None:
    """An endpoint that breaks is one that did not answer."""
    failures = [ConnectionError("gone")]

    async def answer(message: Message) -> int:
        if failures:
            raise failures.pop()
        return 200

    endpoint = Endpoint(answer)
    deliver([ORDER], endpoint)
    assert len(endpoint.messages) == 2


def test_backoff_doubles_up_to_its_bound() -> None:
    """Each wait is twice the one before it, from the least to the most."""
    endpoint = answering(*[503] * 5)
    deliver([ORDER], endpoint, min_backoff_seconds=1, max_backoff_seconds=6)
    assert endpoint.times == [0, 1, 3, 7, 13, 19]


def test_an_overdue_request_goes_on_unheard() -> None:
    """Past the deadline the message comes again, and the late answer acks nothing."""
    ended: list[float] = []

    async def answer(message: Message) -> int:
        slow = not ended and len(endpoint.messages) < 3
        await asyncio.sleep(25 if slow else 0)
        ended.append(asyncio.get_running_loop().time())
        return 200

    endpoint = Endpoint(answer)
    deliver([ORDER], endpoint, ack_deadline_seconds=10, min_backoff_seconds=1, max_backoff_seconds=1)
    assert endpoint.times == [0, 11, 22]
    assert ended == [22]


def test_an_exhausted_message_is_dead_lettered() -> None:
    """It goes to the dead-letter topic as it was, with the attributes that Pub/Sub adds."""
    letters = answering()

    async def story() -> None:
        broker = broker_with(answering(*[503] * 9), max_deliveries=3, dead_letter_topic=LETTERS)
        broker.subscribe(PushSubscription("letters", LETTERS, letters.push))
        await broker.publish([ORDER])
        await broker.drained()

    run(story())
    [letter] = letters.messages
    assert letter.data == b"one"
    assert letter.attributes == {
        "colour": "red",
        "CloudPubSubDeadLetterSourceDeliveryCount": "3",
        "CloudPubSubDeadLetterSourceSubscription": "subscription-0",
        "CloudPubSubDeadLetterSourceSubscriptionProject": "memory",
    }


def test_a_dead_lettered_message_lets_its_key_go_on() -> None:
    """The backstop frees the key that the message held."""
    endpoint = answering(503, 503)
    sent = [Outgoing(TOPIC, each, key="UA1") for each in (b"poison", b"good")]
    deliver(sent, endpoint, ordered=True, max_deliveries=2, dead_letter_topic=LETTERS)
    assert [each.data for each in endpoint.messages] == [b"poison", b"poison", b"good"]


@pytest.mark.parametrize(
    ("target", "arrived"), [("pack_order", [b"all", b"packing"]), ("", [b"all", b"packing", b"shipping"])]
)
def test_the_filter_keeps_what_others_are_to_get(target: str, arrived: list[bytes]) -> None:
    """A targeted message passes its target's filter alone; a subscription without a target has no filter."""
    endpoint = answering()
    sent = [
        Outgoing(TOPIC, b"all"),
        Outgoing(TOPIC, b"packing", {TARGET: "pack_order"}),
        Outgoing(TOPIC, b"shipping", {TARGET: "ship_order"}),
    ]
    deliver(sent, endpoint, target=target)
    assert [each.data for each in endpoint.messages] == arrived


def test_requests_in_flight_are_bounded() -> None:
    """A subscription makes at most so many requests at a time, and misses nothing by it."""
    under_way = most = 0

    async def answer(message: Message) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(1)
        under_way -= 1
        return 200

    endpoint = Endpoint(answer)
    deliver([Outgoing(TOPIC, b"%d" % number) for number in range(7)], endpoint, in_flight=3)
    assert (len(endpoint.messages), most) == (7, 3)


def test_a_waiting_retry_takes_nobodys_place() -> None:
    """While one message backs off, another is delivered even where one request at a time is allowed."""
    endpoint = answering(503)
    deliver([Outgoing(TOPIC, b"first"), Outgoing(TOPIC, b"second")], endpoint, in_flight=1)
    assert [each.data for each in endpoint.messages] == [b"first", b"second", b"first"]


def test_an_unknown_topic_refuses_all() -> None:
    """The failure names every topic that is missing, and nothing is published."""
    seen: list[str] = []

    async def story() -> None:
        broker = MemoryBroker([TOPIC], observe=lambda topic, message: seen.append(topic))
        with pytest.raises(PublishFailed, match=r"topic no\.such, none\.such does not exist"):
            await broker.publish([ORDER, Outgoing("none.such", b""), Outgoing("no.such", b"")])

    run(story())
    assert seen == []


@pytest.mark.parametrize(
    "options", [{"topic": "no.such"}, {"topic": TOPIC, "max_deliveries": 5, "dead_letter_topic": "no.such"}]
)
def test_a_subscription_needs_its_topics(options: dict[str, Any]) -> None:
    """A topic that is not there is noticed when subscribing, not when a message has nowhere to go."""
    broker = MemoryBroker([TOPIC])
    with pytest.raises(KeyError, match=r"no\.such"):
        broker.subscribe(PushSubscription("subscription", push=answering().push, **options))


def test_drained_waits_for_retries_and_for_what_is_published_meanwhile() -> None:
    """It returns once every message is acked, those that handlers publish included."""
    letters = answering(503, 503)

    async def story() -> None:
        async def answer(message: Message) -> int:
            await broker.publish([Outgoing(LETTERS, b"child")])
            return 200

        broker = broker_with(Endpoint(answer))
        broker.subscribe(PushSubscription("letters", LETTERS, letters.push, max_backoff_seconds=30))
        await broker.drained()  # at once: nothing was published
        await broker.publish([ORDER])
        await broker.drained()

    run(story())
    assert letters.times == [0, 1, 3]


def test_close_stops_everything() -> None:
    """Requests under way are cancelled, overdue ones too; what waits is not delivered; nothing more is taken."""
    cancelled: list[bytes] = []

    async def answer(message: Message) -> int:
        if message.data == b"nacked":
            return 503
        try:
            return await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(message.data)
            raise

    endpoint = Endpoint(answer)

    async def story() -> None:
        broker = broker_with(endpoint, ack_deadline_seconds=10, min_backoff_seconds=60)
        await broker.publish([Outgoing(TOPIC, b"overdue"), Outgoing(TOPIC, b"nacked")])
        await asyncio.sleep(15)
        await broker.publish([Outgoing(TOPIC, b"under way")])
        await asyncio.sleep(1)
        await broker.close()
        assert sorted(cancelled) == [b"overdue", b"under way"]
        with pytest.raises(PublishFailed, match="the broker is closed"):
            await broker.publish([ORDER])
        await asyncio.sleep(1000)

    run(story())
    assert len(endpoint.messages) == 3


def test_a_paused_subscription_keeps_what_comes() -> None:
    """Also what it is given back meanwhile; other subscriptions go on."""

    async def story() -> None:
        paused, other = answering(503), answering()
        broker = broker_with(paused, other, min_backoff_seconds=1)
        await broker.publish([ORDER])
        await asyncio.sleep(0.5)
        broker.pause("subscription-0")
        await broker.publish([ORDER])
        await asyncio.sleep(100)
        assert (len(paused.messages), len(other.messages)) == (1, 2)
        assert (broker.backlog("subscription-0"), broker.backlog("subscription-1")) == (2, 0)
        assert broker.is_paused("subscription-0")
        broker.resume("subscription-0")
        await broker.drained()
        assert paused.times == [0, 100.5, 100.5]

    run(story())
