"""Reading a form that was filled in: its texts as the data of an event, and what is wrong with them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from tidegate.contracts import Contract
from tidegate.errors import ContractViolation
from tidegate_ops.console.form_fields import Field, Group, Kind

_ABSENT = object()
WHOLE = ""
"""The place of what is wrong with the data as a whole."""


@dataclass(slots=True)
class Faults:
    """What is wrong, by the names of the fields; under `WHOLE` what belongs to none."""

    by_field: dict[str, list[str]] = field(default_factory=dict)

    def add(self, name: str, text: str) -> None:
        """Note one more."""
        self.by_field.setdefault(name, []).append(text)

    def of(self, name: str) -> list[str]:
        """Those of one field."""
        return self.by_field.get(name, [])

    def __bool__(self) -> bool:
        return bool(self.by_field)


def read(group: Group, texts: Mapping[str, str], faults: Faults) -> dict[str, Any]:
    """The data that the texts spell. What cannot be read is a fault, and left out."""
    value = _object(group, texts, faults)
    return value if isinstance(value, dict) else {}


def texts_of(group: Group, data: Any) -> dict[str, str]:
    """The texts that spell ``data``, as far as it has what the form asks for."""
    return {each.name: _text(each, _at(data, each.name)) for each in group.fields()}


def hold_against(contract: type[Contract], data: bytes, names: Iterator[str] | list[str], faults: Faults) -> None:
    """Note how ``data`` does not fit the contract, beside those of the fields ``names`` that it is about."""
    known = set(names)
    try:
        contract.model_validate_json(data)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_context=False, include_input=False):
            path = ".".join(map(str, each["loc"]))
            name = _nearest(path, known)
            about = path.removeprefix(name).lstrip(".")
            faults.add(name, f"{about}: {each['msg']}" if about else each["msg"])
    except Exception:
        # A validator of the model's own that stumbles: said as the runtime would say it.
        try:
            contract.parse(data)
        except ContractViolation as violation:
            faults.add(WHOLE, str(violation))


def compact(value: Any) -> bytes:
    """JSON as it is published."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _object(group: Group, texts: Mapping[str, str], faults: Faults) -> Any:
    values = {
        part.name.rpartition(".")[2]: value
        for part in group.parts
        if (value := _value(part, texts, faults)) is not _ABSENT
    }
    optional = not group.required or group.nullable
    untouched = not any(texts.get(each.name, "").strip() for each in group.fields())
    if optional and untouched:
        return None if group.required else _ABSENT
    return values


def _value(part: Field | Group, texts: Mapping[str, str], faults: Faults) -> Any:
    if isinstance(part, Group):
        return _object(part, texts, faults)
    text = texts.get(part.name, "").replace("\r\n", "\n")
    if not text.strip():
        return _empty(part, text)
    if part.kind is Kind.LIST:
        assert part.item is not None
        return [_scalar(part.item, line.strip()) for line in text.splitlines() if line.strip()]
    if part.kind is Kind.JSON:
        try:
            return json.loads(text)
        except ValueError as error:
            faults.add(part.name, f"is no JSON: {error}")
            return _ABSENT
    return _scalar(part, text)


def _empty(part: Field, text: str) -> Any:
    """What a field says that was left empty: null or nothing, but for a text that has to be there."""
    if part.nullable:
        return None if part.required else _ABSENT
    if part.required and part.kind in (Kind.LINE, Kind.AREA):
        return text
    if part.required and part.kind is Kind.LIST:
        return []
    return _ABSENT


def _scalar(part: Field, text: str) -> Any:
    """The value; a text that spells none stays as it is, for the contract to complain."""
    if part.choices is not None:
        return part.choices.get(text, text)
    if part.kind is Kind.NUMBER:
        for convert in (int, float):
            try:
                return convert(text)
            except ValueError:
                continue
    return text.strip() if part.kind in (Kind.LINE, Kind.DATE, Kind.MOMENT) else text


def _text(part: Field, value: Any) -> str:
    if value is None or value is _ABSENT:
        return ""
    if part.kind is Kind.LIST and isinstance(value, list):
        return "\n".join(map(str, value))
    if part.kind is Kind.JSON or not isinstance(value, str | int | float | bool):
        return json.dumps(value, ensure_ascii=False, indent=2)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _at(data: Any, path: str) -> Any:
    for name in path.split("."):
        if not isinstance(data, dict) or name not in data:
            return _ABSENT
        data = data[name]
    return data


def _nearest(path: str, known: set[str]) -> str:
    """The longest of the names that ``path`` is or lies below."""
    while path and path not in known:
        path = path.rpartition(".")[0]
    return path
