"""Events: CloudEvents in Pub/Sub attributes, there and back."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tidegate.errors import Undecodable
from tidegate.events import Event, child_id, digest, timestamp
from tidegate.messages import Message, whole_number

NOON = datetime(2013, 2, 8, 12, 0, 0, 123456, tzinfo=UTC)
REQUIRED = {"ce-id": "e-1", "ce-type": "flight.cancelled", "ce-source": "/ops", "ce-specversion": "1.0"}


def read(attributes: dict[str, str], **message: Any) -> Event:
    return Event.from_message(Message("m-1", b"{}", attributes, **message), topic="some.topic", now=NOON)


@pytest.mark.parametrize(
    "event",
    [
        Event("e-1", "flight.cancelled", "/ops", b"{}", NOON),
        Event(
            "ü", "flight.cancelled", "/ops", b"", NOON, version=3, key="UA1", expires=NOON + timedelta(hours=1),
            target="rebook_passengers", redrive=2, extensions={"traceparent": "00-a-b-01", "custom": "x"},
        ),
    ],
    ids=["plain", "full"],
)  # fmt: skip
def test_round_trip(event: Event) -> None:
    """An event reads back from its attributes equal in every field."""
    assert Event.from_message(Message("m", event.data, event.attributes()), topic="", now=datetime.now(UTC)) == event


def test_a_plain_message_is_welcome() -> None:
    """Without any CloudEvents attribute the id is the message's, the type the topic's, the time that of publishing."""
    published = NOON - timedelta(minutes=1)
    event = read({"origin": "EWR", "tidegate-target": "f", "tidegate-redrive": "1"}, publish_time=published)
    assert event == Event("m-1", "some.topic", "/pubsub", b"{}", published, target="f", redrive=1)
    assert read({}).time == NOON


@pytest.mark.parametrize("schema", ["https://example.com/schema.json", ""])
def test_foreign_schemas_name_no_version(schema: str) -> None:
    """Only our own schema names say something about versions."""
    assert read({**REQUIRED, "ce-dataschema": schema}).version is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2013-02-08T06:00:00Z", datetime(2013, 2, 8, 6, tzinfo=UTC)),
        ("2013-02-08T06:00:00", datetime(2013, 2, 8, 6, tzinfo=UTC)),
        ("2013-02-08T01:00:00-05:00", datetime(2013, 2, 8, 6, tzinfo=UTC)),
        ("2013-02-08T06:00:00.123456789Z", datetime(2013, 2, 8, 6, 0, 0, 123456, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_utc(text: str, moment: datetime) -> None:
    """Every RFC 3339 spelling is understood; a time without a zone is in UTC."""
    event = read({**REQUIRED, "ce-time": text, "ce-expirytime": text})
    assert (event.time, event.expires) == (moment, moment)
    assert event.time.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        *[({name: ""}, f"missing attribute {name}") for name in REQUIRED],
        ({"ce-specversion": "0.3"}, "ce-specversion is '0.3': only '1.0'"),
        ({"ce-time": "noon"}, "ce-time is 'noon': expected an RFC 3339 time"),
        ({"ce-time": "0001-01-01T00:00:00+01:00"}, "ce-time is '0001"),
        ({"ce-expirytime": "9999-12-31T23:59:59-01:00"}, "ce-expirytime is '9999"),
        ({"ce-dataschema": "urn:tidegate:contract:flight.cancelled"}, "ce-dataschema is"),
        ({"ce-dataschema": "urn:tidegate:contract:flight.cancelled:x"}, "expected urn:tidegate:contract:TYPE:VERSION"),
        ({"tidegate-redrive": "-1"}, "tidegate-redrive is '-1': expected a whole number"),
        ({"tidegate-redrive": "²"}, "tidegate-redrive is '²'"),
        ({"tidegate-redrive": "9" * 5000}, "tidegate-redrive is '999"),
    ],
)
def test_malformed_attributes_are_named(change: dict[str, str], said: str) -> None:
    """What is missing or malformed is said with its name and what was expected."""
    with pytest.raises(Undecodable) as told:
        read({**REQUIRED, **change})
    assert said in str(told.value)


def test_half_a_cloudevent_names_all_that_is_missing() -> None:
    """One attribute makes it a CloudEvent, and then it has to be a whole one."""
    with pytest.raises(Undecodable, match="missing attribute ce-id, ce-source, ce-specversion: "):
        read({"ce-type": "flight.cancelled"})


def test_child_ids_are_derived() -> None:
    """The same function, parent and index give the same id; any other gives another."""
    assert child_id("f", "p", 0) == child_id("f", "p", 0)
    assert len({child_id("f", "p", 0), child_id("f", "p", 1), child_id("f", "q", 0), child_id("g", "p", 0)}) == 4


def test_digest_parts_do_not_run_together() -> None:
    """Where one part ends and the next begins counts."""
    assert digest("ab", "c") != digest("a", "bc")


def test_timestamps_have_one_spelling() -> None:
    """UTC, microseconds, a Z and four digits of the year."""
    eastern = timezone(timedelta(hours=-5))
    assert timestamp(datetime(2013, 2, 8, 7, tzinfo=eastern)) == "2013-02-08T12:00:00.000000Z"
    assert timestamp(datetime(13, 1, 1, tzinfo=UTC)) == "0013-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("12", 12), ("", None), ("-1", None), ("٣", None), ("1" * 10, None), ("1.0", None)]
)
def test_whole_numbers(text: str, number: int | None) -> None:
    """An attribute's number is plain digits, and not too many."""
    assert whole_number(text) == number
    assert Message("m", b"", {"tidegate-redrive": text}).redrive == (number or 0)
