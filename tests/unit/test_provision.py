"""Subscriptions are what the topology asks for."""

from datetime import timedelta
from unittest.mock import call

import pytest
from google.api_core.exceptions import AlreadyExists
from google.pubsub_v1.types import Subscription
from pytest_mock import MockerFixture

from tidegate.topology import Topology
from tidegate_ops.broker import LocalBroker
from tidegate_ops.provision import provision, subscription

TOPOLOGY = Topology.model_validate(
    {
        "application": "sample",
        "topics": {"order.placed": {}, "note.edited": {}},
        "functions": {
            "ship_order": {
                "topic": "order.placed",
                "timeout_seconds": 30,
                "backoff": {"min_seconds": 2.5, "max_seconds": 30},
            },
            "edit_note": {"topic": "note.edited", "ordered": True},
            "dead_letters": {"topic": "dead.letters", "attempts": None},
        },
        "limits": {"max_deliveries": 50, "retention_days": 3},
    }
)
ENDPOINTS = {name: f"http://127.0.0.1:1/{name}" for name in TOPOLOGY.functions}


@pytest.fixture
def broker() -> LocalBroker:
    """A broker whose address nobody listens on; names alone are asked of it."""
    return LocalBroker("127.0.0.1:1", "sample-project")


def wanted(broker: LocalBroker, name: str) -> Subscription:
    return subscription(broker.project, TOPOLOGY, name, ENDPOINTS[name])


def test_names_and_endpoint(broker: LocalBroker) -> None:
    """A subscription bears its function's deployed name and pushes to its endpoint."""
    made = wanted(broker, "ship_order")
    assert made.name == "projects/sample-project/subscriptions/ship-order"
    assert made.topic == "projects/sample-project/topics/order.placed"
    assert made.push_config.push_endpoint == "http://127.0.0.1:1/ship_order"


def test_limits_come_from_the_topology(broker: LocalBroker) -> None:
    """Deadline and retention are the topology's; the backoff is not, since the emulator cannot be trusted with one."""
    made = wanted(broker, "ship_order")
    assert made.ack_deadline_seconds == 45
    assert "retry_policy" not in made
    assert made.message_retention_duration == timedelta(days=3)


def test_a_redriven_event_is_for_its_target_alone(broker: LocalBroker) -> None:
    """The filter takes what names no target, and what names this function."""
    expected = 'NOT attributes:tidegate-target OR attributes.tidegate-target = "ship_order"'
    assert wanted(broker, "ship_order").filter == expected


def test_every_dead_letter_is_for_the_dead_letter_function(broker: LocalBroker) -> None:
    """A letter of a redriven event still names that event's target, so no filter may keep it out."""
    assert wanted(broker, "dead_letters").filter == ""


def test_the_backstop_forwards_to_the_dead_letter_topic(broker: LocalBroker) -> None:
    """What never reaches the runtime is dead-lettered by Pub/Sub after the topology's deliveries."""
    policy = wanted(broker, "ship_order").dead_letter_policy
    assert policy.dead_letter_topic == "projects/sample-project/topics/dead.letters"
    assert policy.max_delivery_attempts == 50


@pytest.mark.parametrize("name", ["dead_letters", "edit_note"])
def test_some_have_no_backstop(broker: LocalBroker, name: str) -> None:
    """Dead letters have nowhere else to go, and the emulator cannot combine ordering with the policy."""
    assert "dead_letter_policy" not in wanted(broker, name)


def test_only_ordered_functions_keep_order(broker: LocalBroker) -> None:
    """Message ordering is on for functions that ask for it."""
    assert wanted(broker, "edit_note").enable_message_ordering
    assert not wanted(broker, "ship_order").enable_message_ordering


def test_topics_come_first_the_dead_letter_topic_included(broker: LocalBroker, mocker: MockerFixture) -> None:
    """Every topic exists before a subscription refers to it, declared or not."""
    calls = mocker.Mock()
    mocker.patch.object(broker, "publisher", calls.publisher)
    mocker.patch.object(broker, "subscriber", calls.subscriber)
    provision(broker, TOPOLOGY, ENDPOINTS)
    names = [name for name, _, _ in calls.mock_calls]
    assert names == ["publisher.create_topic"] * 3 + ["subscriber.create_subscription"] * 3
    assert call.publisher.create_topic(name=broker.topic_path("dead.letters")) in calls.mock_calls


def test_what_exists_is_brought_up_to_date(broker: LocalBroker, mocker: MockerFixture) -> None:
    """Provisioning again changes what may be changed and fails at nothing."""
    calls = mocker.Mock()
    mocker.patch.object(broker, "publisher", calls.publisher)
    mocker.patch.object(broker, "subscriber", calls.subscriber)
    calls.publisher.create_topic.side_effect = AlreadyExists("topic")
    calls.subscriber.create_subscription.side_effect = AlreadyExists("subscription")
    provision(broker, TOPOLOGY, ENDPOINTS)
    updated = [each.kwargs["subscription"] for each in calls.subscriber.update_subscription.call_args_list]
    assert updated == [wanted(broker, name) for name in ENDPOINTS]
