"""What is submitted, and how it is written down for the gateway."""

import json
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from tidegate.contracts import Contract
from tidegate.errors import ConfigurationError

_MOST_LINES = 500
_MOST_BYTES = 4_000_000  # of a batch, unless its one line is larger; the gateway takes more than twice this
JSON = "application/json"
NDJSON = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked for besides taking an event; `Client.submit` describes each."""

    idempotency_key: str = ""
    key: str = ""
    callback_url: str = ""
    expires_in: timedelta | None = None
    class_: str = ""

    def __post_init__(self) -> None:
        for name, text in self._texts().items():
            if not (text.isascii() and text.isprintable()):
                raise ConfigurationError(f"{name} {text!r} cannot be sent: use printable ASCII characters alone")
        if self.expires_in is not None and self.expires_in < timedelta(seconds=1):
            raise ConfigurationError(f"expires_in is {self.expires_in}: give the event a second at least, or None")

    def headers(self) -> dict[str, str]:
        """The options as the gateway reads them, with an idempotency key in any case."""
        headers = {"Idempotency-Key": self.idempotency_key or uuid4().hex}
        if self.key:
            headers["Tidegate-Ordering-Key"] = self.key
        if self.callback_url:
            headers["Tidegate-Callback-Url"] = self.callback_url
        if self.expires_in:
            headers["Tidegate-Expires-In"] = str(int(self.expires_in.total_seconds()))
        if self.class_:
            headers["Tidegate-Class"] = self.class_
        return headers

    def _texts(self) -> Mapping[str, str]:
        return {
            "idempotency_key": self.idempotency_key,
            "key": self.key,
            "callback_url": self.callback_url,
            "class_": self.class_,
        }


@dataclass(frozen=True, slots=True)
class Payload:
    """The data of one event on its topic; ``version`` is its contract's, None for the newest."""

    topic: str
    data: bytes
    version: int | None = None

    @classmethod
    def of(cls, event: object, topic: str) -> "Payload":
        """An instance of a contract, or any other JSON value for ``topic``; bytes are JSON already.

        Raises:
            ConfigurationError: it cannot be said where it belongs, or it is no JSON.
        """
        if isinstance(event, Contract):
            if topic not in ("", event.event_type):
                raise ConfigurationError(f"{event.label()} belongs on the topic {event.event_type}: leave topic= out")
            return cls(event.event_type, event.to_json(), event.event_version)
        if not topic:
            raise ConfigurationError("name the topic= of data that is no instance of a contract")
        if isinstance(event, bytes):
            return cls(topic, event)
        try:
            return cls(topic, json.dumps(event, allow_nan=False).encode())
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"the data for {topic} is no JSON: {error}") from error

    def line(self) -> bytes:
        """The data as one line of a batch."""
        if b"\n" not in self.data:
            return self.data
        # Between tokens a line feed means nothing, and inside of them JSON has none.
        return self.data.replace(b"\n", b" ")


@dataclass(frozen=True, slots=True)
class Batch:
    """Payloads that go out in one request.

    Attributes:
        number: from 0, among the batches of one call.
        start: the position of its first event among all.
    """

    number: int
    start: int
    payloads: tuple[Payload, ...]


async def batches(events: Iterable[object] | AsyncIterable[object], topic: str) -> AsyncGenerator[Batch, None]:
    """The events in their order, in batches of one topic and version each.

    The same events always make the same batches, so that a repeated submission is recognised as one.
    """
    payloads: list[Payload] = []
    number = start = size = 0
    async for event in _each(events):
        payload = Payload.of(event, topic)
        full = len(payloads) == _MOST_LINES or size + len(payload.data) > _MOST_BYTES
        if payloads and (full or _kind(payload) != _kind(payloads[0])):
            yield Batch(number, start, tuple(payloads))
            number, start, size = number + 1, start + len(payloads), 0
            payloads = []
        payloads.append(payload)
        size += len(payload.data)
    if payloads:
        yield Batch(number, start, tuple(payloads))


def _kind(payload: Payload) -> tuple[str, int | None]:
    return payload.topic, payload.version


async def _each(events: Iterable[object] | AsyncIterable[object]) -> AsyncGenerator[Any, None]:
    if isinstance(events, AsyncIterable):
        async for event in events:
            yield event
    else:
        for event in events:
            yield event
