"""Whatever arrives: nothing is lost, nothing is applied twice, the reason is on file, and work goes on."""

import base64
import itertools
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance.application import Application, event_attributes
from tests.acceptance.delivery_log import eventually
from tests.acceptance.witness import Witness

TOPIC = "flight.assessed"
FUNCTION = "track_hour"
NINE_MEGABYTES = 9_000_000

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Hour:
    """An airport-hour of one test's own, so that its counters tell what was applied."""

    name: str

    @property
    def path(self) -> str:
        return f"airport_hours/JFK-{self.name}"

    def flight(self) -> dict[str, Any]:
        """Another flight of this hour; each counts for one."""
        number = next(_numbers)
        return {
            "flight_id": f"B6{number}-JFK-{self.name[:8]}",
            "carrier": "B6",
            "airline": "JetBlue Airways",
            "number": number,
            "origin": "JFK",
            "origin_name": "John F Kennedy Intl",
            "destination": "BOS",
            "destination_name": "General Edward Lawrence Logan Intl",
            "scheduled_departure": "2013-02-08T06:00:00-05:00",
            "departure_hour": self.name,
            "status": "on_time",
            "delay_minutes": 0,
        }

    def data(self) -> bytes:
        return json.dumps(self.flight()).encode()


@pytest.fixture
def hour() -> Hour:
    """An hour that no other test uses."""
    return Hour(f"2013{next(_numbers):04}T06")


def flights_counted(desk: Application, hour: Hour) -> int:
    document = desk.document(hour.path)
    return document["flights"] if document else 0


def assert_works(desk: Application, hour: Hour) -> None:
    """A good event is done, and is the only thing that ever counted in this hour."""
    event_id = desk.emit(TOPIC, hour.flight())
    desk.log.wait_delivery(function=FUNCTION, event_id=event_id, verdict="done")
    assert flights_counted(desk, hour) == 1


def assert_dead_once(
    desk: Application, function: str, message_id: str, data: bytes, attributes: Mapping[str, str]
) -> str:
    """The message is on file, exactly as it came and once, even if it comes again; returns the reason."""
    line = desk.log.wait_delivery(function=function, message_id=message_id, verdict="dead")
    letter = desk.wait_letter(line)
    assert (letter.data, letter.attributes) == (data, attributes)
    assert line["severity"] == "ERROR"
    assert line["reason"] == letter.reason

    filed = len(desk.log.deliveries(function="dead_letters"))
    answer = desk.push(function, message_id, data, attributes)
    assert (answer.status_code, answer.json()["verdict"]) == (200, "duplicate")
    desk.log.wait_for(lambda _: len(desk.log.deliveries(function="dead_letters")) > filed)
    assert desk.letters(function=function, event_id=line["event_id"]) == [letter]
    return letter.reason


def without(name: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda attributes: {key: value for key, value in attributes.items() if key != name}


def with_(**values: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda attributes: attributes | {name.replace("_", "-"): value for name, value in values.items()}


SCHEMA = f"urn:tidegate:contract:{TOPIC}"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (without("ce-id"), "missing attribute ce-id:"),
        (without("ce-source"), "missing attribute ce-source:"),
        (without("ce-type"), "missing attribute ce-type:"),
        (without("ce-specversion"), "missing attribute ce-specversion:"),
        (with_(ce_type="flight.landed"), "unknown type 'flight.landed': track_hour reads flight.assessed v1"),
        (with_(ce_dataschema=f"{SCHEMA}:2"), "contract version 2 of flight.assessed: track_hour reads version 1"),
        (with_(ce_dataschema=f"{SCHEMA}:new"), f"ce-dataschema is '{SCHEMA}:new'"),
        (with_(ce_specversion="0.3"), "ce-specversion is '0.3'"),
        (with_(ce_time="noon"), "ce-time is 'noon'"),
        (with_(ce_expirytime="soon"), "ce-expirytime is 'soon'"),
        (with_(tidegate_redrive="twice"), "tidegate-redrive is 'twice'"),
    ],
)
def test_unfit_attributes(
    desk: Application, hour: Hour, change: Callable[[dict[str, str]], dict[str, str]], reason: str
) -> None:
    """Good data under wrong or missing attributes is dead-lettered with the attribute's name, and not applied."""
    attributes, data = change(event_attributes(TOPIC)), hour.data()
    message_id = desk.publish(TOPIC, data, attributes)
    assert reason in assert_dead_once(desk, FUNCTION, message_id, data, attributes)
    assert_works(desk, hour)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "data is empty: expected a JSON object of flight.assessed v1"),
        (b'{"flight_id": ', "Invalid JSON"),
        (b"\xff\xfe\x00\x80", "Invalid JSON"),
        (b'{"flight_id": "\xc3\x28"}', "Invalid JSON"),
        (b"[1, 2, 3]", "does not fit flight.assessed v1: data: Input should be an object"),
        (b'"text"', "does not fit flight.assessed v1: data: Input should be an object"),
        (b"null", "does not fit flight.assessed v1: data: Input should be an object"),
        (b"{}", "flight_id: Field required"),
        (b'{"flight_id": 7}', "flight_id: Input should be a valid string"),
    ],
    ids=["empty", "cut", "binary", "not-utf-8", "array", "text", "null", "no-fields", "wrong-type"],
)
def test_unfit_data(desk: Application, hour: Hour, data: bytes, reason: str) -> None:
    """Data that is no JSON, or not what the contract says, is dead-lettered untouched."""
    attributes = event_attributes(TOPIC)
    message_id = desk.publish(TOPIC, data, attributes)
    assert reason in assert_dead_once(desk, FUNCTION, message_id, data, attributes)
    assert_works(desk, hour)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the request is not JSON"),
        (b'{"message": ', "the request is not JSON"),
        (b"\xff\xfe", "the request is not JSON"),
        (b"[]", "the request is a JSON list"),
        (b"{}", "the push body has no object 'message'"),
        (b'{"message": "text"}', "the push body has no object 'message'"),
        (b'{"message": {"messageId": "1", "data": "%%%"}}', "message.data is not base64"),
        (b'{"message": {"messageId": "1", "data": "YQ="}}', "message.data is not base64"),
        (b'{"message": {"messageId": "1", "data": 7}}', "message.data is not base64"),
        (b'{"message": {"messageId": "1", "attributes": {"ce-id": 7}}}', "message.attributes is not a map of strings"),
        (b'{"message": {"messageId": "1", "attributes": ["ce-id"]}}', "message.attributes is not a map of strings"),
    ],
)
def test_unreadable_envelopes(desk: Application, hour: Hour, body: bytes, reason: str) -> None:
    """A request that is no push body is answered, filed whole, and filed once."""
    answers = [desk.post(FUNCTION, body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["verdict"] for answer in answers] == ["dead", "duplicate"]
    event_id = answers[0].json()["event_id"]
    line = desk.log.wait_delivery(function=FUNCTION, event_id=event_id, verdict="dead")
    letter = desk.wait_letter(line)
    assert reason in letter.reason
    assert line["reason"] == letter.reason
    assert letter.data == body
    assert_works(desk, hour)


def test_a_plain_message_is_an_event(desk: Application, hour: Hour) -> None:
    """Without any ce- attribute, the message's id and its topic stand in for the event's id and type."""
    data = hour.data()
    message_id = desk.publish(TOPIC, data, {})
    desk.log.wait_delivery(function=FUNCTION, event_id=message_id, verdict="done")
    assert desk.push(FUNCTION, message_id, data, {}).json()["verdict"] == "duplicate"
    assert flights_counted(desk, hour) == 1


def test_an_id_with_other_data(desk: Application, hour: Hour) -> None:
    """An event id that was used for other data is refused, and what stood stands."""
    attributes, other = event_attributes(TOPIC), hour.data()
    desk.publish(TOPIC, hour.data(), attributes)
    desk.log.wait_delivery(function=FUNCTION, event_id=attributes["ce-id"], verdict="done")
    message_id = desk.publish(TOPIC, other, attributes)
    line = desk.log.wait_delivery(function=FUNCTION, message_id=message_id, verdict="dead")
    letter = desk.wait_letter(line)
    assert (letter.data, letter.fault) == (other, "conflict")
    assert "key reused with another payload" in letter.reason
    assert line.get("reason") == letter.reason
    assert flights_counted(desk, hour) == 1


def test_a_rejected_row(desk: Application) -> None:
    """What the handler rejects costs one attempt and leaves nothing downstream; its neighbours fly."""
    good = row()
    bad = {**good, "distance": "1O24"}
    manifest_id, attributes = publish_manifest(desk, day_of(good), csv_of(good, bad))
    desk.log.wait_delivery(function="split_manifest", event_id=attributes["ce-id"], verdict="done", emitted=2)
    line = desk.log.wait_for(
        lambda _: next(
            (
                each
                for each in desk.log.deliveries(function="assess_flight", verdict="dead")
                if "distance is '1O24'" in each["reason"]
            ),
            None,
        )
    )
    letter = desk.wait_letter(line)
    assert (letter.fault, letter.attempts, line["attempt"]) == ("rejected", 1, 1)
    assert letter.reason == line["reason"]
    assert json.loads(letter.data)["record"] == bad
    assert json.loads(letter.data)["manifest_id"] == manifest_id
    assert eventually(lambda: desk.document(f"airport_hours/{hour_of(good)}"))["flights"] == 1


def test_a_large_good_manifest(desk: Application) -> None:
    """9 MB that fit the contract are handled like anything else."""
    good = row()
    _, attributes = publish_manifest(desk, day_of(good), csv_of(good), padding=noise())
    desk.log.wait_delivery(function="split_manifest", event_id=attributes["ce-id"], verdict="done", emitted=1)
    assert eventually(lambda: desk.document(f"airport_hours/{hour_of(good)}"))["flights"] == 1


def test_a_large_poison_message(desk: Application, hour: Hour) -> None:
    """9 MB that do not fit are filed to the last byte, in pieces that Firestore takes."""
    data, attributes = noise().encode(), event_attributes(TOPIC)
    message_id = desk.publish(TOPIC, data, attributes)
    assert "Invalid JSON" in assert_dead_once(desk, FUNCTION, message_id, data, attributes)
    [letter] = desk.letters(function=FUNCTION, event_id=attributes["ce-id"])
    assert letter.pieces == 10
    assert_works(desk, hour)


def test_a_large_row(desk: Application) -> None:
    """A row of 8.9 MB passes the outbox whole, and what the next function says of it is cut to what can be kept."""
    size = 8_900_000
    # Compressible to some 2.5 MB: more than one document holds, less than one commit does.
    text = "".join(random.Random(9).choices("ACGT", k=size))
    field = 100_000  # the csv module takes no larger one
    surplus = ",".join(text[start : start + field] for start in range(0, len(text), field))
    bad = row()
    manifest_id, attributes = publish_manifest(desk, day_of(bad), f"{csv_of(bad).rstrip()},{surplus}\n")
    desk.log.wait_delivery(function="split_manifest", event_id=attributes["ce-id"], verdict="done", emitted=1)
    [letter] = eventually(lambda: [each for each in desk.letters(function="assess_flight") if len(each.data) > size])
    assert (letter.fault, letter.attempts) == ("rejected", 1)
    assert letter.reason.startswith(f"surplus is '{text[:500]}")
    line = desk.log.wait_delivery(function="assess_flight", event_id=letter.event_id, verdict="dead")
    assert line["reason"].startswith(f"surplus is '{text[:500]}")
    report = json.loads(letter.data)
    assert (report["manifest_id"], report["record"]) == (manifest_id, {**bad, "surplus": surplus})


def test_a_handler_that_fails_every_time(harbour: Application, witness: Witness) -> None:
    """It is started exactly as often as the topology grants, then dead-lettered with its last error."""
    event_id = harbour.emit("cargo.offered", {"cargo": "sand"})
    line = harbour.log.wait_delivery(function="sell_cargo", event_id=event_id, verdict="dead")
    letter = harbour.wait_letter(line)
    assert [each["attempt"] for each in witness.starts(event_id=event_id)] == [1, 2, 3]
    verdicts = [each["verdict"] for each in harbour.log.deliveries(function="sell_cargo", event_id=event_id)]
    assert verdicts == ["retry", "retry", "dead"]
    assert (letter.fault, letter.attempts) == ("error", 3)
    assert letter.reason == line["reason"] == "LookupError: nobody buys sand"
    assert json.loads(letter.data) == {"cargo": "sand"}
    assert harbour.document("sales/sand") is None


def noise() -> str:
    """9 MB of text that hardly compresses."""
    size = NINE_MEGABYTES
    return base64.b64encode(random.Random(9).randbytes(size))[:size].decode()


def row(**values: str) -> dict[str, str]:
    """A flight of a day and hour that no other test uses."""
    number = next(_numbers)
    day, hour = number % 28 + 1, 8 + number % 10
    return {
        "year": str(2000 + number // 28), "month": "3", "day": str(day),
        "dep_time": f"{hour}01", "sched_dep_time": f"{hour}00", "dep_delay": "1",
        "arr_time": "NA", "sched_arr_time": "NA", "arr_delay": "NA",
        "carrier": "B6", "flight": str(number), "tailnum": "N1", "origin": "JFK", "dest": "BOS",
        "air_time": "50", "distance": "187", "hour": str(hour), "minute": "0",
        "time_hour": f"{2000 + number // 28}-03-{day:02}T{hour + 5}:00:00Z",
        **values,
    }  # fmt: skip


def hour_of(row: Mapping[str, str]) -> str:
    return f"JFK-{day_of(row).replace('-', '')}T{int(row['hour']):02}"


def day_of(row: Mapping[str, str]) -> str:
    return f"{row['year']}-03-{int(row['day']):02}"


def csv_of(*rows: Mapping[str, str]) -> str:
    return "\n".join(",".join(each) for each in [list(rows[0]), *(each.values() for each in rows)]) + "\n"


def publish_manifest(desk: Application, day: str, csv: str, **surplus: str) -> tuple[str, dict[str, str]]:
    """Publish a manifest of one test's own; returns its id and its attributes."""
    manifest_id = f"M-{uuid4().hex[:8]}"
    manifest = {"manifest_id": manifest_id, "origin": "JFK", "date": day, "csv": csv, **surplus}
    attributes = event_attributes("manifest.received")
    desk.publish("manifest.received", json.dumps(manifest).encode(), attributes)
    return manifest_id, attributes
