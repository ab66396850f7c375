"""Dead letters: the original message and why it died, there and back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tidegate.dead_letters import DeadLetter
from tidegate.events import Event
from tidegate.messages import Message
from tidegate.records import Failure, Fault
from tidegate.testing import NOON
from tidegate.testing.delivery import TRACE, arriving
from tidegate.traces import Sampling

EVENT = Event("event-1", "order.placed", "/shop", b"\xff{}", NOON, redrive=2, target="pack", key="k")
DIED = NOON - timedelta(days=1)
MESSAGE = Message("m-1", EVENT.data, EVENT.attributes())
LETTER = DeadLetter.build("pack", "event-1", Failure(Fault.REJECTED, "no box"), MESSAGE, attempts=3, died_at=DIED)
SOURCE = "CloudPubSubDeadLetterSource"


def read(message: Message) -> DeadLetter:
    return DeadLetter.from_message(message, now=NOON)


def test_round_trip() -> None:
    """A letter reads back equal, the original's data and attributes untouched."""
    outgoing = LETTER.outgoing("dead.letters", TRACE)
    assert (outgoing.topic, outgoing.data, outgoing.key) == ("dead.letters", MESSAGE.data, "")
    letter = read(arriving(replace(outgoing)).message)
    assert letter == LETTER
    assert (letter.event_type, letter.redrive, letter.backstop) == ("order.placed", 2, False)
    assert letter.attributes == MESSAGE.attributes


def test_attributes_that_pubsub_adds_itself_are_left_out() -> None:
    """Pub/Sub refuses attributes that begin with its own prefix, so a letter with them could never be published."""
    letter = replace(LETTER, attributes={**LETTER.attributes, "googclient_schemaencoding": "JSON"})
    assert read(arriving(letter.outgoing("dead.letters", TRACE)).message).attributes == MESSAGE.attributes


def test_a_letter_never_has_more_attributes_than_pubsub_takes() -> None:
    """Of too many attributes the event's own are kept: a letter that cannot be published would be retried for ever."""
    crowded = {f"a{number}": "x" for number in range(99)} | dict(LETTER.attributes)
    outgoing = replace(LETTER, attributes=crowded).outgoing("dead.letters", TRACE)
    assert len(outgoing.attributes) == 100
    assert MESSAGE.attributes.items() <= read(arriving(outgoing).message).attributes.items()


@pytest.mark.parametrize("fault", Fault)
def test_every_fault_travels(fault: Fault) -> None:
    """The word for what happened arrives as it was sent."""
    letter = replace(LETTER, fault=fault)
    assert read(arriving(letter.outgoing("dead.letters", TRACE)).message).fault is fault


@pytest.mark.parametrize("spelling", [str, str.lower], ids=["as attributes", "as headers"])
@pytest.mark.parametrize(("count", "said"), [({"DeliveryCount": "100"}, "100 deliveries"), ({}, "its last deliver")])
def test_the_backstops_letters_are_read(spelling: type[str], count: dict[str, str], said: str) -> None:
    """What Pub/Sub's own policy forwards names the function by its subscription, and is marked as its."""
    source = {"Subscription": "rebook-passengers", "SubscriptionProject": "p", **count}
    attributes = {**MESSAGE.attributes, **{spelling(SOURCE + name): value for name, value in source.items()}}
    letter = read(Message("m-2", b"{}", attributes, NOON - timedelta(hours=1)))
    assert (letter.function, letter.event_id, letter.fault) == ("rebook_passengers", "event-1", Fault.UNDELIVERABLE)
    assert said in letter.reason
    assert (letter.attempts, letter.redrive, letter.died_at) == (0, 2, NOON - timedelta(hours=1))
    assert letter.attributes == MESSAGE.attributes
    assert letter.backstop


def test_anything_can_be_filed() -> None:
    """Nothing may be lost here: even a message that nobody explains becomes a letter."""
    letter = read(Message("m-3", b"\x00", {"origin": "EWR"}))
    assert (letter.function, letter.event_id, letter.event_type) == ("unknown", "m-3", "")
    assert (letter.data, letter.attributes, letter.died_at, letter.backstop) == (b"\x00", {"origin": "EWR"}, NOON, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tidegate-dead-fault", "bad luck"),
        ("tidegate-dead-attempts", "many"),
        ("tidegate-dead-attempts", "9" * 5000),
        ("tidegate-redrive", "9" * 5000),
        ("tidegate-dead-at", "noon"),
        ("tidegate-dead-at", "0001-01-01T00:00:00+23:00"),
    ],
)
def test_a_spoilt_letter_is_a_letter(name: str, value: str) -> None:
    """What cannot be understood of a letter is left out, and the rest is kept."""
    outgoing = LETTER.outgoing("dead.letters", TRACE)
    letter = read(Message("m", outgoing.data, {**outgoing.attributes, name: value}))
    assert (letter.function, letter.event_id, letter.reason) == ("pack", "event-1", "no box")


@pytest.mark.parametrize("text", ["x" * 1024, "x" * 1025, "ä" * 600, "€" * 400, "🂡" * 300])
def test_a_long_reason_is_clipped(text: str) -> None:
    """A reason fits into an attribute's 1,024 bytes and is never cut inside a character."""
    reason = replace(LETTER, reason=text).outgoing("dead.letters", TRACE).attributes["tidegate-dead-reason"]
    assert len(reason.encode()) <= 1024
    if len(text.encode()) <= 1024:
        assert reason == text
    else:
        assert reason.endswith("…")
        assert text.startswith(reason.removesuffix("…"))
        assert len(reason.encode()) > 1015


def test_a_letter_is_one_event() -> None:
    """However often it is published it is the same event; another payload, function or redrive is another."""
    again = replace(LETTER, died_at=NOON, attempts=4)
    assert again.event().id == LETTER.event().id
    others = [replace(LETTER, data=b"{}"), replace(LETTER, function="ship"), replace(LETTER, redrive=3)]
    assert len({each.event().id for each in [LETTER, *others]}) == 4
    assert others[2].key == LETTER.key


def test_a_letter_is_for_nobody_in_particular() -> None:
    """A redriven event that dies again is filed, though it was addressed to the function that failed."""
    assert LETTER.event().target == ""


def test_a_letter_names_the_span_that_wrote_it() -> None:
    """Its filing is a part of the trace, below the delivery that gave up; the event's own attribute stays as it was."""
    letter = replace(LETTER, attributes={**LETTER.attributes, "ce-traceparent": "00-a-b-01"})
    attributes = letter.outgoing("dead.letters", TRACE).attributes
    assert (attributes["ce-traceparent"], attributes["tidegate-dead-traceparent"]) == ("00-a-b-01", TRACE.traceparent)
    assert Sampling().delivered(attributes, "event", "name").parent_id == TRACE.span_id
