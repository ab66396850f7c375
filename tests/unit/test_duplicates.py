"""Which messages are published twice, and how."""

import threading
from collections.abc import Sequence

from tidegate.errors import PublishFailed
from tidegate.messages import Message, Outgoing
from tidegate_ops.demo.duplicates import Republisher, copy_of, event_id, is_chosen

EVENTS = [f"event-{number}" for number in range(2_000)]


def chosen(topic: str = "flight.reported", *, seed: int = 1, share: float = 0.1) -> set[str]:
    return {event for event in EVENTS if is_chosen(topic, event, seed=seed, share=share)}


def test_about_the_wanted_share_is_chosen() -> None:
    """One in ten of many; none or all where that is wanted."""
    assert 150 < len(chosen()) < 250
    assert chosen(share=0) == set()
    assert chosen(share=1) == set(EVENTS)


def test_the_choice_hangs_on_seed_topic_and_event_alone() -> None:
    """It is the same again whatever came before, another for another seed or topic."""
    assert chosen() == chosen()
    assert chosen() != chosen(seed=2)
    assert chosen() != chosen("flight.assessed")


def test_a_larger_share_adds_to_the_choice() -> None:
    """What is published twice at 10 % is so at 50 % too."""
    assert chosen() < chosen(share=0.5)


def test_a_copy_is_the_message_to_the_last_byte() -> None:
    """Data, attributes and ordering key are the same."""
    attributes = {"ce-id": "e1", "ce-partitionkey": "EWR", "traceparent": "00"}
    message = Message("17", b"\x00{}", attributes)
    assert copy_of("note.edited", message) == Outgoing("note.edited", b"\x00{}", attributes, key="EWR")


def test_an_events_identity_outlasts_its_message() -> None:
    """The event's id, with the function that gave it up; the message's own where it is no event."""
    assert event_id(Message("17", b"", {"ce-id": "e1"})) == "e1"
    assert event_id(Message("17", b"", {"ce-id": "e1", "tidegate-dead-function": "track_hour"})) == "track_hour:e1"
    assert event_id(Message("17", b"")) == "17"


def test_all_that_is_added_is_published_in_order() -> None:
    """In a thread of its own, in as many calls as it likes."""
    published: list[Outgoing] = []
    complete = threading.Event()

    def publish(messages: Sequence[Outgoing]) -> None:
        published.extend(messages)
        if len(published) == 250:
            complete.set()

    messages = [Outgoing("flight.reported", str(number).encode()) for number in range(250)]
    with Republisher(publish, lambda error: None) as republisher:
        for message in messages:
            republisher.add(message)
        assert complete.wait(10)
    assert published == messages


def test_a_failure_is_told() -> None:
    """Whoever waits for the copies must not wait for ever."""
    told: list[Exception] = []
    failure, heard = PublishFailed("no such topic"), threading.Event()

    def publish(messages: Sequence[Outgoing]) -> None:
        raise failure

    def on_failure(error: Exception) -> None:
        told.append(error)
        heard.set()

    with Republisher(publish, on_failure) as republisher:
        republisher.add(Outgoing("none", b""))
        assert heard.wait(10)
    assert told == [failure]
