"""Documents in Firestore's raw protobuf messages: what the official client sends, at a small part of its work."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tidegate.adapters.google_messages import MESSAGES

BatchGetRequest = MESSAGES["BatchGetDocumentsRequest"]
BatchGetResponse = MESSAGES["BatchGetDocumentsResponse"]
BatchWriteRequest = MESSAGES["BatchWriteRequest"]
BatchWriteResponse = MESSAGES["BatchWriteResponse"]
CommitRequest = MESSAGES["CommitRequest"]
CommitResponse = MESSAGES["CommitResponse"]
Write = MESSAGES["Write"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86_400


class OtherKind(ValueError):
    """A value of a kind that the runtime itself never stores, such as a reference or a point."""


def put(name: str, fields: Mapping[str, Any]) -> Any:
    """A `Write` that makes ``fields`` all that the document ``name`` holds.

    Raises:
        ValueError: a value cannot be stored, such as half of a character.
    """
    write = Write()
    write.update.name = name
    held = write.update.fields
    for field, value in fields.items():
        encode(value, held[field])
    return write


def delete(name: str) -> Any:
    """A `Write` that deletes the document ``name``."""
    return Write(delete=name)


def fields_of(document: Any) -> dict[str, Any]:
    """What a raw document holds, as plain values; times are aware, in UTC, to the microsecond.

    Raises:
        OtherKind: not by itself.
    """
    return {name: decode(value) for name, value in document.fields.items()}


def nanoseconds(moment: Any) -> int:
    """A raw ``Timestamp``, exactly."""
    return int(moment.seconds * 1_000_000_000 + moment.nanos)


def set_nanoseconds(moment: Any, value: int) -> None:
    """Make a raw ``Timestamp`` what `nanoseconds` gave."""
    moment.seconds, moment.nanos = divmod(value, 1_000_000_000)


def set_moment(moment: Any, value: datetime) -> None:
    """Make a raw ``Timestamp`` this time, which is aware."""
    since = value - _EPOCH
    moment.seconds = since.days * _DAY_SECONDS + since.seconds
    moment.nanos = since.microseconds * 1000


def moment_of(moment: Any) -> datetime:
    """A raw ``Timestamp``, in UTC and to the microsecond."""
    return _EPOCH + timedelta(seconds=moment.seconds, microseconds=moment.nanos // 1000)


def encode(value: Any, into: Any) -> None:
    """Make the raw ``Value`` this one.

    Raises:
        ValueError: it cannot be stored.
        OtherKind: not by this function.
    """
    kind = type(value)  # asked for exactly, as it is by far the fastest; what inherits from one of them comes below
    if kind is str:
        into.string_value = value
    elif value is None:
        into.null_value = 0
    elif kind is bool:
        into.boolean_value = value
    elif kind is int:
        into.integer_value = value
    elif kind is float:
        into.double_value = value
    elif kind is bytes:
        into.bytes_value = value
    elif kind is dict:
        into.map_value.SetInParent()
        for name, each in value.items():
            encode(each, into.map_value.fields[name])
    elif kind is list:
        into.array_value.SetInParent()
        for each in value:
            encode(each, into.array_value.values.add())
    elif isinstance(value, datetime):
        set_moment(into.timestamp_value, value)
    else:
        raise OtherKind(f"a {kind.__name__} is nothing that a record holds")


def decode(value: Any) -> Any:
    """The plain value of a raw one.

    Raises:
        OtherKind: not by this function.
    """
    match value.WhichOneof("value_type"):
        case "string_value" | "boolean_value" | "integer_value" | "double_value" | "bytes_value" as kind:
            return getattr(value, kind)
        case "null_value":
            return None
        case "timestamp_value":
            return moment_of(value.timestamp_value)
        case "map_value" if "__type__" not in value.map_value.fields:  # otherwise it stands for a vector, or the like
            return {name: decode(each) for name, each in value.map_value.fields.items()}
        case "array_value":
            return [decode(each) for each in value.array_value.values]
        case kind:
            raise OtherKind(f"a {kind} is nothing that a record holds")
