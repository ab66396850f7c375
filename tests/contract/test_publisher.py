"""What every publisher promises (`tidegate.ports.Publisher`)."""

from collections import Counter

import pytest

from tests.contract.brokers import Broker
from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing

pytestmark = pytest.mark.anyio


async def test_nothing_to_publish(broker: Broker) -> None:
    """Publishing nothing succeeds."""
    await broker.publisher.publish([])


async def test_message_arrives_whole(broker: Broker) -> None:
    """Data, attributes and key arrive as they were given."""
    await broker.create("flight.reported")
    sent = [
        Outgoing("flight.reported", b'{"n":1}', {"ce-id": "a", "note": "Zoë"}),
        Outgoing("flight.reported", b"\xff\x00", {}, key="UA1"),
    ]
    await broker.publisher.publish(sent)
    arrived = await broker.received("flight.reported", 2)
    assert sorted(arrived, key=lambda each: each.key) == sent


async def test_topics_are_told_apart(broker: Broker) -> None:
    """Each message goes to its own topic."""
    topics = ["flight.assessed", "flight.cancelled"]
    for topic in topics:
        await broker.create(topic)
    await broker.publisher.publish([Outgoing(topic, topic.encode()) for topic in topics])
    for topic in topics:
        assert await broker.received(topic, 1) == [Outgoing(topic, topic.encode())]


async def test_order_within_a_key(broker: Broker) -> None:
    """The messages of one key keep their order, however many requests they take; none is lost."""
    await broker.create("note.edited")
    keys = ["UA1", "UA2", ""]
    sent = [Outgoing("note.edited", str(number).encode(), key=keys[number % 3]) for number in range(2400)]
    await broker.publisher.publish(sent)
    arrived = await broker.received("note.edited", len(sent))
    assert Counter(each.data for each in arrived) == Counter(each.data for each in sent)
    for key in ("UA1", "UA2"):
        assert [each for each in arrived if each.key == key] == [each for each in sent if each.key == key]


async def test_missing_topic(broker: Broker) -> None:
    """A topic that is not there is named; whether the other topics' messages are out is the broker's affair."""
    await broker.create("flight.assessed")
    with pytest.raises(PublishFailed, match=r"no\.such\.topic"):
        await broker.publisher.publish([Outgoing("flight.assessed", b"1"), Outgoing("no.such.topic", b"2")])
