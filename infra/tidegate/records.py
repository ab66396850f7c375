"""The ledger's record: what is known of one function's handling of one event."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from tidegate.events import digest
from tidegate.messages import Outgoing

MAX_REASON_CHARACTERS = 2_000
MAX_DETAIL_CHARACTERS = 4_000


class Status(StrEnum):
    """Where a record stands. ``done`` and ``failed`` are final, but for a redrive of ``failed``."""

    CLAIMED = "claimed"
    RELEASED = "released"
    DONE = "done"
    FAILED = "failed"


class Fault(StrEnum):
    """Why a handling failed or was given up."""

    ERROR = "error"
    TIMEOUT = "timeout"
    REJECTED = "rejected"
    INVALID = "invalid"
    CONFLICT = "conflict"
    CRASHED = "crashed"
    UNDELIVERABLE = "undeliverable"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    OVERLOAD = "overload"

    @property
    def shed(self) -> bool:
        """Whether the work was not wanted any more, so that nobody needs a dead letter."""
        return self in (Fault.EXPIRED, Fault.CANCELLED, Fault.SUPERSEDED, Fault.OVERLOAD)

    @property
    def fails_job(self) -> bool:
        """Whether a job has failed in which this happened: it has not where another event does the work."""
        return self is not Fault.SUPERSEDED


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure as it is kept in the record and in the dead letter.

    Attributes:
        reason: one line for people.
        detail: the end of the traceback; empty where the reason says it all.

    Texts are cut and mended to what every store takes: failing to record a failure helps nobody.
    """

    fault: Fault
    reason: str
    detail: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", storable(self.reason[:MAX_REASON_CHARACTERS]))
        object.__setattr__(self, "detail", storable(self.detail[-MAX_DETAIL_CHARACTERS:]))


@dataclass(frozen=True, slots=True)
class Record:
    """State of one (function, event id).

    Attributes:
        event_id: the event it was last claimed for; with an idempotency key of its own, others may be the same work.
        owner: drawn anew for each delivery that writes the record; tells whose write stands.
        attempt: how often the handler has been started for this event (since its last redrive).
        lease_until: until when ``owner`` may work on it undisturbed.
        payload_hash: SHA-256 of the payload first seen under this key.
        redrive: the redrive number of the event that it was last claimed for.
        expire_at: when Firestore may forget it.
        steps: results of `Context.step`, name → JSON text.
        outbox: the events that the handler emitted, committed with its completion.
        published: set once an outbox too large to publish twice is out.
        result: JSON text of the job's result, where the handler set one.
        error: the last failure.
    """

    function: str
    event_id: str
    status: Status
    owner: str
    attempt: int
    lease_until: datetime
    payload_hash: str
    expire_at: datetime
    redrive: int = 0
    steps: Mapping[str, str] = field(default_factory=dict)
    outbox: tuple[Outgoing, ...] = ()
    published: bool = False
    result: str | None = None
    error: Failure | None = None


def record_key(function: str, idempotency_key: str) -> str:
    """The record's document id; hashed so that neighbours in time are not neighbours in the index."""
    return f"{function}.{digest(idempotency_key)}"


def idempotency_key(field: str, event_id: str, data: bytes) -> str:
    """What makes two events the same work: the event's id, or the value of a field of its data.

    Raises:
        KeyError: the data has no such field.
    """
    if field == "event.id":
        return event_id
    return field_value(field, data)


def field_value(field: str, data: bytes) -> str:
    """The value of a field of the data such as ``data.order_id``, as text, equal for equal values of this field alone.

    Raises:
        KeyError: the data has no such field.
    """
    value: Any = json.loads(data)
    for part in field.split(".")[1:]:
        if not isinstance(value, dict) or value.get(part) is None:
            raise KeyError(field)
        value = value[part]
    return f"{field}={json.dumps(value, sort_keys=True)}"


def storable(text: str) -> str:
    """Without halves of characters, which Python texts may hold and UTF-8 may not."""
    return text.encode(errors="replace").decode()
