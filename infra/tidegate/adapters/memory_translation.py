"""The official client's protobuf writes and documents, to and from those of `MemoryDocuments`."""

from collections.abc import Iterable, Mapping
from typing import Any

from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1 import _helpers, types
from google.cloud.firestore_v1.field_path import FieldPath

from tidegate.adapters.memory_documents import Delete, Document, Precondition, Put, Write
from tidegate.adapters.memory_transforms import (
    ArrayRemove,
    ArrayUnion,
    Increment,
    Maximum,
    Minimum,
    ServerTimestamp,
    Transform,
)
from tidegate.adapters.raw_documents import OtherKind, decode, encode, moment_of, set_moment

_Write = types.Write.pb()


def writes_from(messages: Iterable[Any], client: AsyncClient) -> list[Write]:
    """The writes of a commit request, raw as they travel, or of a batch of ``client``'s.

    Raises:
        NotImplementedError: one is of a kind that the memory store does not know.
    """
    return [_write(_official(message), client) for message in messages]


def path_from(name: str, client: AsyncClient) -> str:
    """The path below the database's root for a full resource name.

    Raises:
        ValueError: the name is of another database.
    """
    root = f"{client._database_string}/documents/"
    if not name.startswith(root):
        raise ValueError(f"{name} is not in the database {client._database_string} of this client")
    return name.removeprefix(root)


def name_of(path: str, client: AsyncClient) -> str:
    """The full resource name for a path below the database's root."""
    return f"{client._database_string}/documents/{path}"


def message_of(document: Document, client: AsyncClient) -> types.Document:
    """The document as the service would send it."""
    message = types.Document()
    set_document(types.Document.pb(message), document, client)
    return message


def set_document(raw: Any, document: Document, client: AsyncClient) -> None:
    """Make a raw ``Document`` this one."""
    raw.name = name_of(document.path, client)
    fields = raw.fields
    for name, value in document.fields.items():
        set_value(fields[name], value)
    set_moment(raw.create_time, document.create_time)
    set_moment(raw.update_time, document.update_time)


def set_value(raw: Any, value: Any) -> None:
    """Make a raw ``Value`` this one, of whatever kind."""
    try:
        encode(value, raw)
    except OtherKind:
        raw.MergeFromString(types.Value.serialize(_helpers.encode_value(value)))


def field_path(text: str) -> tuple[str, ...]:
    """The names in a field path as requests spell it, quoted where they are not plain."""
    return tuple(FieldPath.from_api_repr(text).parts)


def _official(message: Any) -> Any:
    """A write as the official message, raw: our own knows less of what it holds."""
    raw = getattr(message, "_pb", message)
    return raw if isinstance(raw, _Write) else _Write.FromString(raw.SerializeToString())


def _write(message: Any, client: AsyncClient) -> Write:
    operation = message.WhichOneof("operation")
    precondition = _precondition(message)
    if operation == "delete":
        return Delete(path_from(message.delete, client), precondition)
    if operation != "update":
        raise NotImplementedError(f"the memory store has no write of kind {operation!r}: it knows update and delete")
    return Put(
        path=path_from(message.update.name, client),
        fields=_decoded(message.update.fields, client),
        mask=_mask(message),
        transforms=tuple(_transform(each, client) for each in message.update_transforms),
        precondition=precondition,
    )


def _mask(message: Any) -> tuple[tuple[str, ...], ...] | None:
    """None for no mask, which replaces the document; an empty one is something else: it keeps all fields."""
    if not message.HasField("update_mask"):
        return None
    return tuple(field_path(each) for each in message.update_mask.field_paths)


def _precondition(message: Any) -> Precondition:
    match message.current_document.WhichOneof("condition_type"):
        case "exists":
            return Precondition(exists=message.current_document.exists)
        case "update_time":
            return Precondition(update_time=moment_of(message.current_document.update_time))
    return Precondition()


def _transform(message: Any, client: AsyncClient) -> Transform:
    path = field_path(message.field_path)
    kind = message.WhichOneof("transform_type")
    match kind:
        case "set_to_server_value":
            return ServerTimestamp(path)
        case "increment":
            return Increment(path, _number(message.increment))
        case "maximum":
            return Maximum(path, _number(message.maximum))
        case "minimum":
            return Minimum(path, _number(message.minimum))
        case "append_missing_elements":
            return ArrayUnion(path, _values(message.append_missing_elements, client))
        case "remove_all_from_array":
            return ArrayRemove(path, _values(message.remove_all_from_array, client))
    raise NotImplementedError(f"the memory store has no transform of kind {kind!r}")


def _number(message: Any) -> int | float:
    number: int | float = getattr(message, message.WhichOneof("value_type"))
    return number


def _values(message: Any, client: AsyncClient) -> tuple[Any, ...]:
    return tuple(_value(each, client) for each in message.values)


def _decoded(fields: Mapping[str, Any], client: AsyncClient) -> dict[str, Any]:
    # One by one, since decode_dict would take a document with certain field names for a vector.
    return {name: _value(value, client) for name, value in fields.items()}


def _value(value: Any, client: AsyncClient) -> Any:
    try:
        return decode(value)
    except OtherKind:
        return _helpers.decode_value(value, client)
