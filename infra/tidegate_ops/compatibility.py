"""What may change in a contract while its version stays, decided on JSON Schemas.

Functions are deployed one by one and events stay in flight for days, so the old code reads new
events while the new code reads old ones. The set of data that a version stands for must therefore
neither shrink nor grow; all that may change are words (titles, descriptions, defaults), and
optional fields may be added, which a tolerant reader ignores.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from tidegate.events import SCHEMA_PREFIX

Schema: TypeAlias = Mapping[str, Any]
Change: TypeAlias = tuple[str, str]
"""A path such as ``legs[].seat``, and what changed there."""
Pairs: TypeAlias = frozenset[tuple[int, int]]
"""The schemas under comparison, old and new, by identity."""

_IN_FLIGHT = "events in flight could not be read by new code"
_DEPLOYED = "new events could not be read by functions that are not redeployed yet"
_EITHER_WAY = "old and new code would not agree on what is valid"

_WORDS = frozenset(
    {"$comment", "$defs", "$id", "$schema", "default", "deprecated", "description", "discriminator", "examples"}
    | {"readOnly", "title", "writeOnly"}
)
# Compared part by part instead of as values.
_PARTS = frozenset(
    {"additionalProperties", "anyOf", "const", "enum", "items", "oneOf", "patternProperties", "prefixItems"}
    | {"properties", "propertyNames", "required", "type"}
)


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """What separates ``new`` from ``old`` so that one side could not read the other's events.

    Each line names the path, what changed, who suffers and the remedy; no lines mean compatible.
    """
    remedy = _remedy(old)
    return [f"{path or 'data'}: {what}; {remedy}" for path, what in _Comparison(old, new).whole()]


def _remedy(schema: Schema) -> str:
    version = str(schema.get("$id", "")).rpartition(":")[2]
    if str(schema.get("$id", "")).startswith(SCHEMA_PREFIX) and version.isdecimal():
        return f"publish it as version {int(version) + 1} beside version {version}"
    return "publish it as a new version beside this one"


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Two schema documents; the documents are kept because ``$ref`` points into them."""

    old: Schema
    new: Schema

    def whole(self) -> Iterator[Change]:
        yield from self._values(self.old, self.new, "", frozenset())

    def _values(self, old: Any, new: Any, path: str, seen: Pairs) -> Iterator[Change]:
        """Compare what may stand at one place: a schema, a choice of schemas, or a reference to either."""
        pair = (id(old), id(new))
        if pair in seen:
            return  # inside a model that contains itself; this very pair is being compared further out
        seen |= {pair}
        old_choices, new_choices = _choices(old, self.old), _choices(new, self.new)
        yield from _nullability(old_choices, new_choices, path)
        gone = [each for each in old_choices if each.get("type") != "null"]
        come = [each for each in new_choices if each.get("type") != "null"]
        _drop_pairs(gone, come, lambda one, other: not any(self._one(one, other, path, seen)))
        changed = _drop_pairs(gone, come, lambda one, other: _name(one) == _name(other))
        if len(gone) == 1 and len(come) == 1:
            changed.append((gone.pop(), come.pop()))
        for before, after in changed:
            yield from self._one(before, after, path, seen)
        for choice in gone:
            yield path, f"{_name(choice)} is no longer allowed; {_IN_FLIGHT}"
        for choice in come:
            yield path, f"{_name(choice)} is now allowed; {_DEPLOYED}"

    def _one(self, old: Schema, new: Schema, path: str, seen: Pairs) -> Iterator[Change]:
        if old.get("type") != new.get("type"):
            yield path, f"type changed from {_name(old)} to {_name(new)}; {_EITHER_WAY}"
            return
        yield from _enumeration(old, new, path)
        yield from _keywords(old, new, path)
        yield from self._fields(old, new, path, seen)
        yield from self._elements(old, new, path, seen)

    def _fields(self, old: Schema, new: Schema, path: str, seen: Pairs) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        pair = (id(before), id(after))
        if pair in seen:
            return
        seen |= {pair}
        needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted({*before, *after, *needed_before, *needed_after}):
            here = f"{path}.{name}" if path else name
            if name not in after and name in before:
                yield here, "field removed; consumers that use it lose it"
            elif name not in before and name in needed_after:
                yield here, f"required field added; {_IN_FLIGHT}"
            elif name not in before and old.get("additionalProperties") is False:
                yield here, f"field added to a model that forbids unknown fields; {_DEPLOYED}"
            elif name in needed_after and name not in needed_before:
                yield here, f"optional field became required; {_IN_FLIGHT}"
            elif name in needed_before and name not in needed_after:
                yield here, f"required field became optional; {_DEPLOYED}"
            if name in before and name in after:
                yield from self._values(before[name], after[name], here, seen)
        closed_before, closed_after = (each.get("additionalProperties") is False for each in (old, new))
        if closed_after and not closed_before:
            yield path, f"unknown fields are now forbidden; {_EITHER_WAY}"
        if closed_before and not closed_after:
            yield path, f"unknown fields are now allowed; {_DEPLOYED}"

    def _elements(self, old: Schema, new: Schema, path: str, seen: Pairs) -> Iterator[Change]:
        """Lists, tuples and maps; an absent keyword allows anything, as ``True`` does."""
        for keyword, suffix in (("items", "[]"), ("additionalProperties", "{}"), ("propertyNames", "{key}")):
            if (keyword in old or keyword in new) and False not in (old.get(keyword), new.get(keyword)):
                yield from self._values(old.get(keyword, True), new.get(keyword, True), path + suffix, seen)
        before, after = old.get("prefixItems", []), new.get("prefixItems", [])
        if len(before) != len(after):
            yield path, f"has {len(after)} places instead of {len(before)}; {_EITHER_WAY}"
        for index, (earlier, later) in enumerate(zip(before, after, strict=False)):
            yield from self._values(earlier, later, f"{path}[{index}]", seen)
        patterns, new_patterns = old.get("patternProperties", {}), new.get("patternProperties", {})
        if patterns.keys() != new_patterns.keys():
            yield path, f"names allowed as keys changed; {_EITHER_WAY}"
        for pattern in sorted(patterns.keys() & new_patterns.keys()):
            yield from self._values(patterns[pattern], new_patterns[pattern], f"{path}{{{pattern}}}", seen)


def _drop_pairs(
    left: list[Schema], right: list[Schema], fit: Callable[[Schema, Schema], bool]
) -> list[tuple[Schema, Schema]]:
    """Take out of both lists, and return, what fits together."""
    pairs: list[tuple[Schema, Schema]] = []
    for one in list(left):
        other = next((each for each in right if fit(one, each)), None)
        if other is not None:
            left.remove(one)
            right.remove(other)
            pairs.append((one, other))
    return pairs


def _resolve(schema: Any, document: Schema) -> Schema:
    """Follow references; keywords beside a ``$ref`` add to what it points at. ``True`` allows anything."""
    if isinstance(schema, bool):
        return {} if schema else {"not": {}}
    while "$ref" in schema:
        target: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part.replace("~1", "/").replace("~0", "~")]
        schema = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return dict(schema)


def _choices(schema: Any, document: Schema) -> list[Schema]:
    """The alternatives that a schema allows, nested choices unfolded; itself where it is no choice."""
    resolved = _resolve(schema, document)
    for keyword in ("anyOf", "oneOf"):
        if keyword in resolved:
            beside = {key: value for key, value in resolved.items() if key not in _WORDS | {keyword}}
            return [{**choice, **beside} for option in resolved[keyword] for choice in _choices(option, document)]
    if isinstance(resolved.get("type"), list):
        return [{**resolved, "type": each} for each in resolved["type"]]
    return [resolved]


def _nullability(old: list[Schema], new: list[Schema], path: str) -> Iterator[Change]:
    before, after = (any(each.get("type") == "null" for each in choices) for choices in (old, new))
    if before and not after:
        yield path, f"null is no longer allowed; {_IN_FLIGHT}"
    if after and not before:
        yield path, f"null is now allowed; {_DEPLOYED}"


def _enumeration(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    before, after = _allowed(old), _allowed(new)
    if before and after:
        yield from ((path, f"value {value} removed; {_IN_FLIGHT}") for value in before if value not in after)
        yield from ((path, f"value {value} added; {_DEPLOYED}") for value in after if value not in before)
    elif after:
        yield path, f"is now limited to {', '.join(after)}; {_IN_FLIGHT}"
    elif before:
        yield path, f"is no longer limited to {', '.join(before)}; {_DEPLOYED}"


def _allowed(schema: Schema) -> list[str]:
    """The values of an enumeration or constant as JSON text; none where any value goes."""
    values = [schema["const"]] if "const" in schema else schema.get("enum", [])
    return [json.dumps(value) for value in values]


def _keywords(old: Schema, new: Schema, path: str) -> Iterator[Change]:
    """Bounds, lengths, patterns, formats, and whatever else limits a value."""
    for keyword in sorted((old.keys() | new.keys()) - _WORDS - _PARTS):
        before, after = old.get(keyword), new.get(keyword)
        if before == after:
            continue
        if before is None:
            yield path, f"{keyword} {json.dumps(after)} added; {_IN_FLIGHT}"
        elif after is None:
            yield path, f"{keyword} {json.dumps(before)} removed; {_DEPLOYED}"
        else:
            yield path, f"{keyword} changed from {json.dumps(before)} to {json.dumps(after)}; {_EITHER_WAY}"


def _name(schema: Schema) -> str:
    """How messages name a schema: its model's title, or its type and format."""
    if schema.get("type") == "object" and "title" in schema:
        return str(schema["title"])
    allowed = _allowed(schema)
    if allowed:
        return " | ".join(allowed)
    words = [str(schema.get("type", "any value")), *([str(schema["format"])] if "format" in schema else [])]
    return " ".join(words)
