"""Firestore's and Pub/Sub's messages, as far as the ledger and the publisher use them.

Loading Google's own classes takes longer than all else that a function does until its first answer. These are of
the same implementation and travel the same way; what a message holds beyond them is kept as it came. They live in a
pool of their own, where nobody else's can meet them.
"""

import re
from collections import defaultdict
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor_pool import DescriptorPool

SCHEMA = """
message Timestamp { int64 seconds = 1; int32 nanos = 2; }
message Status { int32 code = 1; string message = 2; }

message Value {
  oneof value_type {
    bool boolean_value = 1;
    int64 integer_value = 2;
    double double_value = 3;
    MapValue map_value = 6;
    ArrayValue array_value = 9;
    Timestamp timestamp_value = 10;
    int32 null_value = 11;
    string string_value = 17;
    bytes bytes_value = 18;
  }
}
message ArrayValue { repeated Value values = 1; }
message MapValue { map<string, Value> fields = 1; }
message Document {
  string name = 1;
  map<string, Value> fields = 2;
  Timestamp create_time = 3;
  Timestamp update_time = 4;
}
message Precondition { oneof condition_type { bool exists = 1; Timestamp update_time = 2; } }
message Write {
  oneof operation { Document update = 1; string delete = 2; }
  Precondition current_document = 4;
}
message WriteResult { Timestamp update_time = 1; repeated Value transform_results = 2; }

message CommitRequest { string database = 1; repeated Write writes = 2; }
message CommitResponse { repeated WriteResult write_results = 1; Timestamp commit_time = 2; }
message BatchWriteRequest { string database = 1; repeated Write writes = 2; }
message BatchWriteResponse { repeated WriteResult write_results = 1; repeated Status status = 2; }
message BatchGetDocumentsRequest { string database = 1; repeated string documents = 2; }
message BatchGetDocumentsResponse {
  oneof result { Document found = 1; string missing = 2; }
  Timestamp read_time = 4;
}

message PubsubMessage { bytes data = 1; map<string, string> attributes = 2; string ordering_key = 5; }
message PublishRequest { string topic = 1; repeated PubsubMessage messages = 2; }
message PublishResponse { repeated string message_ids = 1; }
"""
"""The part of the services' .proto files. An enumeration travels as an int32."""

_PACKAGE = "tidegate.google"
_PART = re.compile(r"(message|oneof) (\w+) {|(repeated )?(?:map<string, (\w+)>|(\w+)) (\w+) = (\d+);|}")
# Of FieldDescriptorProto in descriptor.proto, where the numbers below are from as well.
_TYPES = {"double": 1, "int64": 3, "int32": 5, "bool": 8, "string": 9, "bytes": 12}
_MESSAGE = 11
_ONE, _MANY = 1, 3


def _file(schema: str) -> bytes:
    """The schema as a serialized FileDescriptorProto; to load the classes that make one would take longer."""
    messages: defaultdict[str, bytes] = defaultdict(bytes)
    oneofs: list[str] = []
    message = ""
    within = False
    for kind, block, repeated, held, type_name, name, number in _PART.findall(schema):
        if kind == "message":
            message, oneofs = block, []
            messages[message] = _part(1, block)
        elif kind == "oneof":
            messages[message] += _part(8, _part(1, block))
            oneofs.append(block)
            within = True
        elif not name:
            within = False
        elif held:
            entry = f"{name.title().replace('_', '')}Entry"
            pair = _part(2, _field("key", 1, "string")) + _part(2, _field("value", 2, held))
            messages[message] += _part(3, _part(1, entry) + pair + _part(7, _part(7, 1)))
            messages[message] += _part(2, _field(name, int(number), f"{message}.{entry}", _MANY))
        else:
            field = _field(name, int(number), type_name, _MANY if repeated else _ONE)
            messages[message] += _part(2, field + (_part(9, len(oneofs) - 1) if within else b""))
    parts = [_part(4, each) for each in messages.values()]
    return _part(1, "tidegate.proto") + _part(2, _PACKAGE) + b"".join(parts) + _part(12, "proto3")


def _field(name: str, number: int, type_name: str, label: int = _ONE) -> bytes:
    """A FieldDescriptorProto."""
    known = _TYPES.get(type_name)
    typed = _part(5, known) if known else _part(5, _MESSAGE) + _part(6, f".{_PACKAGE}.{type_name}")
    return _part(1, name) + _part(3, number) + _part(4, label) + typed


def _part(number: int, value: int | str | bytes) -> bytes:
    """A field of a message, as protobuf encodes it."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    encoded = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(encoded)) + encoded


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + _varint(value >> 7)


def _classes() -> dict[str, Any]:
    """The classes by the names of their messages."""
    file = DescriptorPool().AddSerializedFile(_file(SCHEMA))
    return {name: message_factory.GetMessageClass(each) for name, each in file.message_types_by_name.items()}


MESSAGES = _classes()
