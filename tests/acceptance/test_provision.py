"""The emulator takes what is provisioned, and a tap sees what passes."""

from collections.abc import Iterator
from queue import Queue
from uuid import uuid4

import pytest
from google.pubsub_v1.types import PubsubMessage

from tests.acceptance.delivery_log import eventually
from tidegate.messages import Message
from tidegate.topology import Topology
from tidegate_ops.broker import LocalBroker
from tidegate_ops.emulators import PubSubEmulator
from tidegate_ops.provision import provision, subscription
from tidegate_ops.tap import Tap

PATIENCE_SECONDS = 30
TOPOLOGY = Topology.model_validate(
    {
        "application": "sample",
        "topics": {"order.placed": {}, "note.edited": {}, "dead.letters": {}},
        "functions": {
            "ship_order": {"topic": "order.placed", "timeout_seconds": 30},
            "edit_note": {"topic": "note.edited", "ordered": True},
            "dead_letters": {"topic": "dead.letters", "attempts": None},
        },
    }
)


@pytest.fixture
def broker(pubsub_emulator: PubSubEmulator) -> Iterator[LocalBroker]:
    """The shared emulator, with a project of the test's own."""
    with LocalBroker(pubsub_emulator.host, f"test-{uuid4().hex[:8]}") as broker:
        yield broker


def endpoints(path: str) -> dict[str, str]:
    return {name: f"http://127.0.0.1:1/{name}{path}" for name in TOPOLOGY.functions}


@pytest.mark.parametrize("name", TOPOLOGY.functions)
def test_subscriptions_are_as_asked(broker: LocalBroker, name: str) -> None:
    """Every setting of a subscription is found again on the emulator."""
    provision(broker, TOPOLOGY, endpoints(""))
    wanted = subscription(broker.project, TOPOLOGY, name, endpoints("")[name])
    found = broker.subscriber.get_subscription(subscription=wanted.name)
    for field in type(wanted).meta.fields:
        assert getattr(found, field) == getattr(wanted, field), field


def test_provisioning_again_moves_the_endpoints(broker: LocalBroker) -> None:
    """A second run leaves the same subscriptions, pushing to where functions listen now."""
    provision(broker, TOPOLOGY, endpoints("/old"))
    provision(broker, TOPOLOGY, endpoints("/new"))
    found = broker.subscriber.list_subscriptions(project=f"projects/{broker.project}")
    assert sorted(each.push_config.push_endpoint for each in found) == sorted(endpoints("/new").values())


def test_a_tap_sees_messages_and_leaves_no_subscription(broker: LocalBroker) -> None:
    """A tap gets each message with its topic, data and attributes, and is gone when closed."""
    provision(broker, TOPOLOGY, {})
    seen: Queue[tuple[str, Message]] = Queue()
    topics = ["order.placed", "note.edited"]
    with Tap(broker.host, broker.project, topics, lambda topic, message: seen.put((topic, message))):
        ids = {}
        for topic in topics:
            message = PubsubMessage(data=topic.encode(), attributes={"ce-id": "1"})
            answer = broker.publisher.publish(topic=broker.topic_path(topic), messages=[message])
            ids[topic] = answer.message_ids[0]
        found: set[str] = set()
        while found != set(topics):  # a message may come twice
            topic, message = seen.get(timeout=PATIENCE_SECONDS)
            found.add(topic)
            assert (message.id, message.data, message.attributes) == (ids[topic], topic.encode(), {"ce-id": "1"})
            assert message.publish_time is not None
    eventually(lambda: not list(broker.subscriber.list_subscriptions(project=f"projects/{broker.project}")))


def test_a_tap_goes_on_after_a_failing_callback(broker: LocalBroker) -> None:
    """A message that cannot be shown costs that message alone."""
    provision(broker, TOPOLOGY, {})
    seen: Queue[bytes] = Queue()

    def show(topic: str, message: Message) -> None:
        seen.put(message.data)
        raise ValueError("cannot show it")

    with Tap(broker.host, broker.project, ["order.placed"], show):
        for data in (b"one", b"two"):
            broker.publisher.publish(topic=broker.topic_path("order.placed"), messages=[PubsubMessage(data=data)])
        shown: set[bytes] = set()
        while shown != {b"one", b"two"}:
            shown.add(seen.get(timeout=PATIENCE_SECONDS))
