"""A ledger record as a Firestore document: flat fields that people can read in any console."""

import base64
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json, to_json

from tidegate.events import timestamp
from tidegate.messages import Outgoing
from tidegate.records import Failure, Fault, Record, Status

LEDGER = "ledger"
"""The collection that holds the records."""

_COMPRESS_ABOVE_BYTES = 32 * 1024
_QUICK_BELOW_BYTES = 1024 * 1024  # what is larger comes near to the limit of a commit
_QUICK, _USUAL = 3, 6  # levels of zlib: a sixth of the time, for up to a tenth more bytes


def fields_of(record: Record) -> dict[str, Any]:
    """The document's fields; always the same ones, so that an update replaces all that was there.

    ``outbox`` is null or JSON text, ``steps`` a map of names to JSON texts; where they are large, either
    is its JSON text compressed by zlib, which `record_pieces` may move to documents of their own.

    Raises:
        ValueError: a time has no time zone, or a text cannot be encoded.
    """
    return {
        "function": record.function,
        "event_id": record.event_id,
        "status": record.status.value,
        "owner": record.owner,
        "attempt": record.attempt,
        "lease_until": _utc(record.lease_until, "lease_until"),
        "payload_hash": record.payload_hash,
        "expire_at": _utc(record.expire_at, "expire_at"),
        "redrive": record.redrive,
        "steps": _packed_steps(record.steps),
        "outbox": _packed_outbox(record.outbox),
        "published": record.published,
        "result": record.result,
        "error": _error(record.error),
    }


def record_of(fields: Mapping[str, Any]) -> Record:
    """The record that `fields_of` wrote, equal to it in every field."""
    return Record(
        function=fields["function"],
        event_id=fields["event_id"],
        status=Status(fields["status"]),
        owner=fields["owner"],
        attempt=fields["attempt"],
        lease_until=plain_time(fields["lease_until"]),
        payload_hash=fields["payload_hash"],
        expire_at=plain_time(fields["expire_at"]),
        redrive=fields["redrive"],
        steps=_unpacked_steps(fields["steps"]),
        outbox=_unpacked_outbox(fields["outbox"]),
        published=fields["published"],
        result=fields["result"],
        error=_failure(fields["error"]),
    )


def _utc(moment: datetime, name: str) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{name} is {moment.isoformat()}, without a time zone: make it aware, in UTC")
    return plain_time(moment)


def plain_time(moment: datetime) -> datetime:
    """Firestore's client reads times as a subclass with nanoseconds, of which a ledger has none."""
    if type(moment) is datetime and moment.tzinfo is UTC:
        return moment  # as nearly all are
    return datetime.combine(moment.date(), moment.timetz()).astimezone(UTC)


def _error(error: Failure | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {"fault": error.fault.value, "reason": error.reason, "detail": error.detail}


def _failure(error: Mapping[str, str] | None) -> Failure | None:
    return Failure(Fault(error["fault"]), error["reason"], error["detail"]) if error else None


def _packed_steps(steps: Mapping[str, str]) -> dict[str, str] | bytes:
    if not steps:
        return {}
    packed = _json(dict(steps))
    return packed if isinstance(packed, bytes) else dict(steps)


def _unpacked_steps(steps: Mapping[str, str] | bytes) -> dict[str, str]:
    named: Mapping[str, str] = from_json(zlib.decompress(steps)) if isinstance(steps, bytes) else steps
    return dict(named)


def _packed_outbox(outbox: Sequence[Outgoing]) -> str | bytes | None:
    return _json([_message(each) for each in outbox]) if outbox else None


def _unpacked_outbox(outbox: str | bytes | None) -> tuple[Outgoing, ...]:
    if outbox is None:
        return ()
    text = zlib.decompress(outbox) if isinstance(outbox, bytes) else outbox
    return tuple(_outgoing(each) for each in from_json(text))


def _json(value: object) -> str | bytes:
    """As JSON text, compressed where that is worth it."""
    text = to_json(value)
    if len(text) <= _COMPRESS_ABOVE_BYTES:
        return text.decode()
    return zlib.compress(text, _QUICK if len(text) < _QUICK_BELOW_BYTES else _USUAL)


def _message(message: Outgoing) -> dict[str, Any]:
    fields = {"topic": message.topic, "key": message.key, "attributes": dict(message.attributes)}
    if message.due is not None:
        fields["due"] = timestamp(message.due)
    try:
        return fields | {"data": message.data.decode()}
    except UnicodeDecodeError:
        return fields | {"base64": base64.b64encode(message.data).decode()}


def _outgoing(fields: Mapping[str, Any]) -> Outgoing:
    data = base64.b64decode(fields["base64"]) if "base64" in fields else fields["data"].encode()
    due = datetime.fromisoformat(fields["due"]) if "due" in fields else None
    return Outgoing(topic=fields["topic"], data=data, attributes=fields["attributes"], key=fields["key"], due=due)
