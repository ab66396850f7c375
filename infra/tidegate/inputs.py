"""The four forms in which a message can arrive over HTTP.

- a wrapped Pub/Sub push: JSON with ``message`` and ``subscription``;
- an unwrapped push: the data as body, ``x-goog-pubsub-*`` and the attributes as headers;
- a CloudEvent in binary form: the data as body, ``ce-*`` headers (CloudEvents HTTP binding);
- a CloudEvent in structured form: ``application/cloudevents+json``.

Eventarc's ``google.cloud.pubsub.topic.v1.messagePublished``, in either form, carries a wrapped push.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from pydantic_core import from_json

from tidegate.errors import Undecodable
from tidegate.events import utc
from tidegate.messages import Message

_PUBSUB_HEADER = "x-goog-pubsub-"
_ATTRIBUTE_HEADERS = ("ce-", "tidegate-", "cloudpubsub", "content-type")
_EVENTARC_PUBSUB = "google.cloud.pubsub.topic.v1.messagePublished"


@dataclass(frozen=True, slots=True)
class Inbound:
    """What a request carried: always a message, and why it cannot be an event where that is so."""

    message: Message
    fault: str = ""


def read(headers: Mapping[str, str], body: bytes) -> Inbound:
    """Read one request, whatever its form. Never raises: what cannot be read becomes a dead letter.

    Args:
        headers: with lower-case names.
    """
    try:
        message = _message(headers, body)
        _check_text(message)
        return Inbound(message)
    except Undecodable as error:
        return Inbound(Message(id=_digest_id(body), data=body), str(error))


def _check_text(message: Message) -> None:
    """JSON can spell half a character, which no store and no broker takes."""
    try:
        "".join((message.id, message.subscription, *message.attributes, *message.attributes.values())).encode()
    except UnicodeEncodeError as error:
        raise Undecodable(f"an attribute or id is not valid Unicode: {error}") from None


def _message(headers: Mapping[str, str], body: bytes) -> Message:
    content_type = headers.get("content-type", "").lower()
    if content_type.startswith("application/cloudevents-batch"):
        raise Undecodable("a batch of CloudEvents: send one event per request")
    if content_type.startswith("application/cloudevents+json"):
        return _structured(body)
    if f"{_PUBSUB_HEADER}message-id" in headers:
        return _unwrapped(headers, body)
    if any(name.startswith("ce-") for name in headers):
        return _binary(headers, body)
    return _wrapped(_json_object(body, "a Pub/Sub push body"))


def _wrapped(envelope: Mapping[str, Any]) -> Message:
    message = envelope.get("message")
    if not isinstance(message, dict):
        raise Undecodable('the push body has no object \'message\': expected {"message": {...}, "subscription": ...}')
    attributes = message.get("attributes") or {}
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        raise Undecodable("message.attributes is not a map of strings")
    return Message(
        id=str(message.get("messageId") or message.get("message_id") or _digest_id(json.dumps(message).encode())),
        data=_base64(message.get("data") or "", "message.data"),
        attributes=attributes,
        publish_time=_time(message.get("publishTime") or message.get("publish_time")),
        subscription=str(envelope.get("subscription", "")).rpartition("/")[2],
    )


def _unwrapped(headers: Mapping[str, str], body: bytes) -> Message:
    return Message(
        id=headers[f"{_PUBSUB_HEADER}message-id"],
        data=body,
        attributes={name: value for name, value in headers.items() if name.startswith(_ATTRIBUTE_HEADERS)},
        publish_time=_time(headers.get(f"{_PUBSUB_HEADER}publish-time")),
        subscription=headers.get(f"{_PUBSUB_HEADER}subscription-name", "").rpartition("/")[2],
    )


def _binary(headers: Mapping[str, str], body: bytes) -> Message:
    if headers.get("ce-type") == _EVENTARC_PUBSUB:
        return _wrapped(_json_object(body, "an Eventarc Pub/Sub event"))
    attributes = {
        # The HTTP binding percent-encodes what a header cannot hold.
        name: unquote(value)
        for name, value in headers.items()
        if name.startswith(_ATTRIBUTE_HEADERS)
    }
    return Message(id=attributes.get("ce-id") or _digest_id(body), data=body, attributes=attributes)


def _structured(body: bytes) -> Message:
    envelope = _json_object(body, "a structured CloudEvent")
    if envelope.get("type") == _EVENTARC_PUBSUB and isinstance(envelope.get("data"), dict):
        return _wrapped(envelope["data"])
    if "data_base64" in envelope:
        data = _base64(envelope["data_base64"], "data_base64")
    else:
        data = json.dumps(envelope["data"]).encode() if "data" in envelope else b""
    attributes = {
        f"ce-{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in envelope.items()
        if name not in ("data", "data_base64", "datacontenttype")
    }
    attributes.setdefault("ce-specversion", "")
    return Message(id=attributes.get("ce-id") or _digest_id(body), data=data, attributes=attributes)


def _json_object(body: bytes, what: str) -> dict[str, Any]:
    try:
        value = _json(body)
    except (ValueError, RecursionError) as error:
        raise Undecodable(f"the request is not JSON ({error}): expected {what}") from None
    if not isinstance(value, dict):
        raise Undecodable(f"the request is a JSON {type(value).__name__}: expected {what}, an object")
    return value


def _json(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError:
        return json.loads(body)  # slower, and takes more: UTF-16, deeper nesting, half a character where nobody looks


def _base64(text: object, where: str) -> bytes:
    try:
        return base64.b64decode(text if isinstance(text, str) else "?", validate=True)
    except ValueError as error:  # as binascii.Error, or where the text is not even ASCII
        raise Undecodable(f"{where} is not base64: {error}") from None


def _time(text: object) -> datetime | None:
    """The publish time is for measuring only, so a malformed one is no reason to refuse a message."""
    try:
        return utc(datetime.fromisoformat(str(text))) if text else None
    except (ValueError, OverflowError):
        return None


def _digest_id(body: bytes) -> str:
    return f"body-{hashlib.sha256(body).hexdigest()[:32]}"
