"""Requests as Pub/Sub's push makes them, and as clients of the gateway do, ready to be sent."""

import base64
import json
import random
import string
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.benchmarks.scenarios import Scenario
from tidegate.events import Event, timestamp

_GOOGLE = (
    "Accept: application/json\r\nFrom: noreply@google.com\r\nAccept-Encoding: gzip, deflate, br\r\n"
    "User-Agent: APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)\r\n"
)
_LETTERS = string.ascii_letters + string.digits + "     "


def letters(scenario: Scenario, batch: str, count: int) -> Iterator[tuple[str, bytes]]:
    """Event ids and payloads; those of one ``batch`` are always the same."""
    text = "".join(random.Random(batch).choices(_LETTERS, k=scenario.text_bytes))
    for number in range(count):
        letter = f"{batch}-{number}"
        payload = {"letter": letter, "copies": scenario.copies, "text": text}
        yield f"posted-{letter}", json.dumps(payload, separators=(",", ":")).encode()


def pushes(host: str, scenario: Scenario, batch: str, count: int) -> Iterator[bytes]:
    """Wrapped push requests of `letters` to the function at ``host``, with Google's headers."""
    now = datetime.now(UTC)
    for number, (event_id, data) in enumerate(letters(scenario, batch, count)):
        event = Event(id=event_id, type="letter.posted", source="/benchmarks", data=data, time=now, version=1)
        message_id = str(10**15 + number)
        message = {
            "data": base64.b64encode(data).decode(),
            "attributes": event.attributes(),
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": timestamp(now),
            "publish_time": timestamp(now),
        }
        body = json.dumps({"message": message, "subscription": "projects/office/subscriptions/letters"}).encode()
        yield _request(host, "/", body, _GOOGLE)


def submissions(host: str, scenario: Scenario, batch: str, count: int) -> Iterator[bytes]:
    """Requests that hand `letters` in at the gateway at ``host``."""
    for event_id, data in letters(scenario, batch, count):
        yield _request(host, "/v1/events/letter.posted", data, f"Idempotency-Key: {event_id}\r\n")


def _request(host: str, path: str, body: bytes, headers: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{headers}\r\n".encode() + body
