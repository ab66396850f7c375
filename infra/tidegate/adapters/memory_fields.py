"""A document's fields as plain Python values, with Firestore's rules for paths, equality and size."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

Fields: TypeAlias = dict[str, Any]
FieldPath: TypeAlias = tuple[str, ...]

_RESERVED = re.compile(r"__.*__", re.DOTALL)
_SCALAR_BYTES = {bool: 1, type(None): 1, int: 8, float: 8}
_IMMUTABLE = frozenset({bool, type(None), int, float, str, bytes})
_OTHER_BYTES = 8  # a timestamp's; references and points are too rare to measure exactly


def copied(value: Any) -> Any:
    """A copy that shares no list or map with ``value``; every other value is immutable."""
    if type(value) in _IMMUTABLE:  # most are, and to ask what else one may be takes ten times as long
        return value
    if isinstance(value, Mapping):
        return {name: copied(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [copied(each) for each in value]
    return value


def value_at(fields: Mapping[str, Any], path: FieldPath) -> Any:
    """The value at ``path``.

    Raises:
        KeyError: there is none.
    """
    present: Any = fields
    for name in path:
        if not isinstance(present, Mapping):
            raise KeyError(path)
        present = present[name]
    return present


def set_at(fields: Fields, path: FieldPath, value: Any) -> None:
    """Put ``value`` at ``path``; whatever is in the way and is no map becomes one."""
    present = fields
    for name in path[:-1]:
        inner = present.get(name)
        if not isinstance(inner, dict):
            inner = present[name] = {}
        present = inner
    present[path[-1]] = value


def delete_at(fields: Fields, path: FieldPath) -> None:
    """Remove the value at ``path``, if there is one; the map around it stays, even if empty."""
    try:
        around = value_at(fields, path[:-1])
    except KeyError:
        return
    if isinstance(around, dict):
        around.pop(path[-1], None)


def equal(left: Any, right: Any) -> bool:
    """Equality as Firestore sees it: 3 equals 3.0, but True does not equal 1, and NaN equals NaN."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[name], right[name]) for name in left)
    return bool(left == right) or (is_nan(left) and is_nan(right))


def identical(left: Any, right: Any) -> bool:
    """Whether storing one over the other changes nothing: equal, and of the same types throughout."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(identical, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(identical(left[name], right[name]) for name in left)
    return type(left) is type(right) and equal(left, right)


def is_nan(value: Any) -> bool:
    """Whether it is the float that does not equal itself."""
    return isinstance(value, float) and value != value


def stored_bytes(value: Any) -> int:
    """What ``value`` counts towards the size of its document, by Firestore's published rules.

    Raises:
        UnicodeEncodeError: a text holds half of a surrogate pair, which Firestore cannot store.
    """
    if isinstance(value, str):
        return (len(value) if value.isascii() else len(value.encode())) + 1
    if isinstance(value, bytes):
        return len(value)
    if isinstance(value, list):
        return sum(map(stored_bytes, value))
    if isinstance(value, dict):
        return sum(stored_bytes(name) + stored_bytes(each) for name, each in value.items())
    return _SCALAR_BYTES.get(type(value), _OTHER_BYTES)


def reserved_names(value: Any) -> Iterator[str]:
    """Every name in ``value``, at any depth, that Firestore keeps for itself."""
    if isinstance(value, list):
        for each in value:
            yield from reserved_names(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if not name or _RESERVED.fullmatch(name):
                yield name
            if type(each) not in _IMMUTABLE:
                yield from reserved_names(each)
