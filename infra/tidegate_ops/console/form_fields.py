"""A form made from a contract: which fields its JSON Schema asks for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

_SCALARS = (str, int, float, bool)
_LONG = 120  # characters from which a text gets an area instead of a line


class Kind(StrEnum):
    """How a value is written down. What fits no other kind is written as JSON."""

    LINE = "line"
    AREA = "area"
    NUMBER = "number"
    DATE = "date"
    MOMENT = "moment"
    CHOICE = "choice"
    LIST = "list"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Field:
    """One value.

    Attributes:
        name: the path to it in the data, joined by dots.
        choices: what can be chosen, by the text that stands for it.
        item: of what kind the lines of a list are.
        whole: whether a number has no fraction.
    """

    name: str
    label: str
    kind: Kind
    required: bool = True
    nullable: bool = False
    hint: str = ""
    choices: Mapping[str, Any] | None = None
    item: "Field | None" = None
    whole: bool = False
    minimum: float | None = None
    maximum: float | None = None
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Values that belong together: an object."""

    name: str
    label: str
    parts: tuple["Field | Group", ...]
    required: bool = True
    nullable: bool = False
    hint: str = ""

    def fields(self) -> Iterator[Field]:
        """All fields, those of inner groups included."""
        for part in self.parts:
            if isinstance(part, Group):
                yield from part.fields()
            else:
                yield part


def group_of(schema: Schema) -> Group | None:
    """The form of a contract's schema; None where its data is written as JSON altogether."""
    made = _Maker(schema.get("$defs", {})).part("", schema, required=True, above=())
    return made if isinstance(made, Group) else None


@dataclass(frozen=True, slots=True)
class _Maker:
    defs: Mapping[str, Schema]

    def part(self, name: str, schema: Schema, *, required: bool, above: tuple[str, ...]) -> Field | Group:
        """The part for a schema below the definitions ``above``, of which none may come again."""
        node, nullable, above = self._plain(schema, above)
        hint = str(node.get("description", ""))
        label = name.rpartition(".")[2]
        if node.get("type") == "object" and node.get("properties") and not node.get("additionalProperties"):
            needed = node.get("required", ())
            parts = tuple(
                self.part(f"{name}.{each}" if name else each, inner, required=each in needed, above=above)
                for each, inner in node["properties"].items()
            )
            return Group(name, label, parts, required, nullable, hint)
        return _field(name, label, node, required, nullable, hint, self._items(name, node, above))

    def _items(self, name: str, node: Schema, above: tuple[str, ...]) -> Field | None:
        """What the lines of a list are; None for what is no list of scalars."""
        if node.get("type") != "array" or not isinstance(node.get("items"), dict):
            return None
        made = self.part(name, node["items"], required=True, above=above)
        return made if isinstance(made, Field) and made.kind not in (Kind.JSON, Kind.LIST) else None

    def _plain(self, schema: Schema, above: tuple[str, ...]) -> tuple[Schema, bool, tuple[str, ...]]:
        """The schema without references and without null, whether null fits as well, and what is above it now."""
        node, nullable = dict(schema), False
        while True:
            if "$ref" in node:
                target = node.pop("$ref").rpartition("/")[2]
                if target in above or target not in self.defs:
                    return {"description": node.get("description", "")}, nullable, above
                above = (*above, target)
                node = {**self.defs[target], **node}
            elif len(node.get("allOf", ())) == 1:
                node = {**node.pop("allOf")[0], **node}
            elif "anyOf" in node:
                options = node.pop("anyOf")
                others = [each for each in options if each.get("type") != "null"]
                nullable = nullable or len(others) < len(options)
                if len(others) != 1:
                    return {"description": node.get("description", "")}, nullable, above
                node = {**others[0], **node}
            else:
                return node, nullable, above


def _field(name: str, label: str, node: Schema, required: bool, nullable: bool, hint: str, item: Field | None) -> Field:
    given: dict[str, Any] = {"required": required, "nullable": nullable, "hint": hint}
    choices = _choices(node)
    if choices is not None:
        return Field(name, label, Kind.CHOICE, choices=choices, **given)
    match node.get("type"):
        case "string":
            pattern = str(node.get("pattern", ""))
            return Field(name, label, _text_kind(node), pattern=pattern, **given)
        case "integer" | "number" as kind:
            given |= {word: node.get(word) for word in ("minimum", "maximum")}
            return Field(name, label, Kind.NUMBER, whole=kind == "integer", **given)
        case "array" if item is not None:
            return Field(name, label, Kind.LIST, item=item, **given)
        case _:
            return Field(name, label, Kind.JSON, **given)


def _text_kind(node: Schema) -> Kind:
    match node.get("format"):
        case "date":
            return Kind.DATE
        case "date-time":
            return Kind.MOMENT
    bounded = "pattern" in node or "format" in node or node.get("maxLength", _LONG) < _LONG
    return Kind.LINE if bounded else Kind.AREA


def _choices(node: Schema) -> Mapping[str, Any] | None:
    """What the schema enumerates, by its text."""
    if "const" in node:
        values = [node["const"]]
    elif "enum" in node:
        values = node["enum"]
    elif node.get("type") == "boolean":
        values = [True, False]
    else:
        return None
    if not all(isinstance(each, _SCALARS) for each in values):
        return None
    texts = {str(each).lower() if isinstance(each, bool) else str(each): each for each in values}
    return texts if len(texts) == len(values) else None
