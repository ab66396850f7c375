"""Our own message classes, held against Google's: what one of them writes the other reads."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.cloud.firestore_v1 import types as firestore
from google.protobuf.descriptor import FieldDescriptor
from google.pubsub_v1 import types as pubsub

from tidegate.adapters.google_messages import MESSAGES
from tidegate.adapters.raw_documents import Write

OFFICIAL = {
    **{
        name: getattr(firestore, name).pb()
        for name in (
            *("CommitRequest", "CommitResponse", "BatchWriteRequest", "BatchWriteResponse"),
            *("BatchGetDocumentsRequest", "BatchGetDocumentsResponse"),
        )
    },
    **{name: getattr(pubsub, name).pb() for name in ("PublishRequest", "PublishResponse")},
}
TRAVELS_AS = {FieldDescriptor.TYPE_ENUM: FieldDescriptor.TYPE_INT32}


def pairs(own: Any, official: Any, met: set[str]) -> Iterator[tuple[Any, Any]]:
    """The fields of a message and of all that it holds, each beside the official one of its number."""
    if own.full_name in met:
        return
    met.add(own.full_name)
    for field in own.fields:
        other = official.fields_by_number[field.number]
        yield field, other
        if field.message_type is not None:
            yield from pairs(field.message_type, other.message_type, met)


def traits(field: Any) -> tuple[Any, ...]:
    """What decides how a field travels, and how it is asked for."""
    oneof = field.containing_oneof
    entry = field.message_type is not None and field.message_type.GetOptions().map_entry
    kind = TRAVELS_AS.get(field.type, field.type)
    return field.name, kind, field.is_repeated, entry, oneof.name if oneof else "", field.has_presence


def test_every_field_is_as_it_is_officially() -> None:
    """Name, number, type, repetition and oneof of each, in all messages that travel."""
    met: set[str] = set()
    found = [
        each
        for name, official in OFFICIAL.items()
        for each in pairs(MESSAGES[name].DESCRIPTOR, official.DESCRIPTOR, met)
    ]
    assert [traits(own) for own, _ in found] == [traits(official) for _, official in found]
    assert met >= {each.DESCRIPTOR.full_name for each in MESSAGES.values()}


@pytest.mark.parametrize("value", [{"geo_point_value": {"latitude": 1.5}}, {"reference_value": "a/b"}])
def test_what_is_not_known_is_kept(value: dict[str, Any]) -> None:
    """A handler's batch may hold what the ledger never writes; it gets through unchanged."""
    write = firestore.Write(
        update=firestore.Document(name="a", fields={"f": firestore.Value(value)}),
        update_mask=firestore.DocumentMask(field_paths=["f"]),
    )
    crossed = Write.FromString(firestore.Write.serialize(write))
    assert crossed.update.name == "a"
    assert firestore.Write.deserialize(crossed.SerializeToString()) == write
