"""Inputs: the forms in which a message arrives, and every way in which one can be malformed."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tidegate.inputs import read
from tidegate.messages import Message

DATA = b'{"flight":"UA1"}'
ATTRIBUTES = {"ce-id": "e-1", "ce-type": "flight.cancelled", "ce-source": "/ops", "ce-specversion": "1.0"}
PUBLISHED = datetime(2013, 2, 8, 6, tzinfo=UTC)
SUBSCRIPTION = "projects/p/subscriptions/rebook-passengers"
EVENTARC = "google.cloud.pubsub.topic.v1.messagePublished"
PUSH: dict[str, Any] = {
    "subscription": SUBSCRIPTION,
    "message": {
        "data": base64.b64encode(DATA).decode(),
        "attributes": ATTRIBUTES,
        "messageId": "m-1",
        "message_id": "m-1",
        "publishTime": "2013-02-08T06:00:00Z",
        "publish_time": "2013-02-08T06:00:00Z",
    },
}
WHOLE = Message("m-1", DATA, ATTRIBUTES, PUBLISHED, "rebook-passengers")
STRUCTURED: dict[str, Any] = {name.removeprefix("ce-"): value for name, value in ATTRIBUTES.items()}
JSON = {"content-type": "application/json"}
CLOUDEVENT = {"content-type": "application/cloudevents+json; charset=utf-8"}
UNWRAPPED = {
    "x-goog-pubsub-message-id": "m-1",
    "x-goog-pubsub-publish-time": "2013-02-08T06:00:00Z",
    "x-goog-pubsub-subscription-name": SUBSCRIPTION,
}


def body(value: object) -> bytes:
    return json.dumps(value).encode()


_FORMS: dict[str, tuple[dict[str, str], bytes, Message]] = {
    "wrapped push": (JSON, body(PUSH), WHOLE),
    "wrapped push without a content type": ({}, body(PUSH), WHOLE),
    "unwrapped push": (
        {**JSON, **UNWRAPPED, **ATTRIBUTES, "host": "localhost"},
        DATA,
        Message("m-1", DATA, {**JSON, **ATTRIBUTES}, PUBLISHED, "rebook-passengers"),
    ),
    "binary CloudEvent": (
        {**JSON, **ATTRIBUTES, "ce-subject": "Z%C3%BCrich", "host": "localhost"},
        DATA,
        Message("e-1", DATA, {**JSON, **ATTRIBUTES, "ce-subject": "Zürich"}),
    ),
    "structured CloudEvent": (
        CLOUDEVENT,
        body({**STRUCTURED, "data": {"flight": "UA1"}, "datacontenttype": "application/json"}),
        Message("e-1", b'{"flight": "UA1"}', ATTRIBUTES),
    ),
    "structured CloudEvent, however its type is spelled": (
        {"content-type": "Application/CloudEvents+JSON"},
        body({**STRUCTURED, "data": 1}),
        Message("e-1", b"1", ATTRIBUTES),
    ),
    "structured CloudEvent in base64": (
        CLOUDEVENT,
        body({**STRUCTURED, "data_base64": base64.b64encode(b"\xff\x00").decode(), "count": 3}),
        Message("e-1", b"\xff\x00", {**ATTRIBUTES, "ce-count": "3"}),
    ),
    "structured CloudEvent without data": (CLOUDEVENT, body(STRUCTURED), Message("e-1", b"", ATTRIBUTES)),
    "Eventarc, binary": ({**JSON, "ce-type": EVENTARC, "ce-id": "other"}, body(PUSH), WHOLE),
    "Eventarc, structured": (CLOUDEVENT, body({"type": EVENTARC, "id": "other", "data": PUSH}), WHOLE),
    "a message without anything": (JSON, body({"message": {"messageId": "m"}}), Message("m", b"")),
    "an id in numbers": (JSON, body({"message": {"message_id": 7}}), Message("7", b"")),
    "a malformed publish time": (
        JSON,
        body({"message": {"messageId": "m", "publishTime": "yesterday"}}),
        Message("m", b""),
    ),
    "a publish time before time": (
        JSON,
        body({"message": {"messageId": "m", "publishTime": "0001-01-01T00:00:00+23:00"}}),
        Message("m", b""),
    ),
    "a publish time without a zone": (
        JSON,
        body({"message": {"messageId": "m", "publishTime": "2013-02-08T06:00:00"}}),
        Message("m", b"", publish_time=PUBLISHED),
    ),
}


@pytest.mark.parametrize("form", _FORMS)
def test_forms_are_read(form: str) -> None:
    """Every form gives the same kind of message: id, data, attributes, publish time and subscription."""
    headers, content, expected = _FORMS[form]
    inbound = read(headers, content)
    assert inbound.fault == ""
    assert inbound.message == expected


_MALFORMED: dict[str, tuple[dict[str, str], bytes, str]] = {
    "empty": (JSON, b"", "the request is not JSON"),
    "no JSON": (JSON, b"{", "the request is not JSON"),
    "no text": (JSON, b"\xff\xfe\xfa", "the request is not JSON"),
    "a number of too many digits": (JSON, b"9" * 5000, "the request is not JSON"),
    "nested without end": (JSON, b"[" * 100_000, "the request is not JSON"),
    "a list": (JSON, b"[]", "the request is a JSON list"),
    "null": (JSON, b"null", "the request is a JSON NoneType"),
    "no message": (JSON, b"{}", "no object 'message'"),
    "a message that is none": (JSON, body({"message": "hello"}), "no object 'message'"),
    "attributes that are none": (JSON, body({"message": {"attributes": [1]}}), "not a map of strings"),
    "attributes that are no strings": (JSON, body({"message": {"attributes": {"a": 1}}}), "not a map of strings"),
    "data that is no text": (JSON, body({"message": {"data": 5}}), "message.data is not base64"),
    "data that is no base64": (JSON, body({"message": {"data": "*"}}), "message.data is not base64"),
    "data that is not even ASCII": (JSON, body({"message": {"data": "é"}}), "message.data is not base64"),
    "half a character in a value": (JSON, body({"message": {"attributes": {"a": "\ud800"}}}), "not valid Unicode"),
    "half a character in a name": (JSON, body({"message": {"attributes": {"\ud800": "a"}}}), "not valid Unicode"),
    "half a character in the id": (JSON, body({"message": {"messageId": "\ud800"}}), "not valid Unicode"),
    "a batch": ({"content-type": "application/cloudevents-batch+json"}, b"[]", "send one event per request"),
    "structured, no object": (CLOUDEVENT, b"3", "expected a structured CloudEvent"),
    "structured, no base64": (CLOUDEVENT, body({**STRUCTURED, "data_base64": "*"}), "data_base64 is not base64"),
    "structured, half a character": (CLOUDEVENT, body({**STRUCTURED, "id": "\udfff"}), "not valid Unicode"),
    "Eventarc, binary, no push": ({"ce-type": EVENTARC}, b"7", "expected an Eventarc Pub/Sub event"),
    "Eventarc, structured, no push": (CLOUDEVENT, body({"type": EVENTARC, "data": {}}), "no object 'message'"),
}


@pytest.mark.parametrize("variant", _MALFORMED)
def test_what_cannot_be_read_says_why(variant: str) -> None:
    """Nothing raises: the fault says what was expected, and the message keeps the whole body for its dead letter."""
    headers, content, fault = _MALFORMED[variant]
    inbound = read(headers, content)
    assert fault in inbound.fault
    assert inbound.message.data == content
    assert inbound.message == read(headers, content).message


def test_messages_without_an_id_are_told_apart() -> None:
    """Where a form has no id, equal bodies have one and the same, others another."""
    ids = [read(JSON, body({"message": {"data": each}})).message.id for each in ("YQ==", "YQ==", "Yg==")]
    assert ids[0] == ids[1] != ids[2]
