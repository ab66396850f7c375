"""Made-up events: what a test does not care about is filled in."""

import warnings
from typing import Any, TypeVar

from pydantic import ValidationError

from tidegate.contracts import Contract

C = TypeVar("C", bound=Contract)

_FORMATS = {
    "date": "2013-02-08",
    "date-time": "2013-02-08T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1S",
    "email": "ann@desk.example",
    "uri": "https://desk.example/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "192.0.2.1",
    "binary": "",
}


def sample(contract: type[C], **fields: Any) -> C:
    """An event that fits ``contract``: with these ``fields``, and the simplest values where others are required.

    The same call gives the same event every time.

    Raises:
        TypeError: a field's simplest value does not satisfy the contract; name that field.
    """
    schema = contract.model_json_schema()
    values = _object(schema, schema, fields)
    try:
        return contract.model_validate(values)
    except ValidationError as error:
        places = ", ".join(".".join(map(str, each["loc"])) for each in error.errors(include_url=False))
        raise TypeError(f"no sample of {contract.__name__} can be made up: name {places} yourself\n{error}") from None


def _object(schema: dict[str, Any], root: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    known = schema.get("properties", {})
    return {name: _value(known[name], root) for name in schema.get("required", ()) if name not in given} | given


def _value(schema: dict[str, Any], root: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _value(root["$defs"][schema["$ref"].rpartition("/")[2]], root)
    for word in ("const", "default"):
        if word in schema:
            return schema[word]
    if "enum" in schema:
        return schema["enum"][0]
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return _value(schema[word][0], root)
    match schema.get("type"):
        case "object":
            return _object(schema, root, {})
        case "array":
            items = schema.get("prefixItems") or [schema.get("items", {})] * schema.get("minItems", 0)
            return [_value(each, root) for each in items]
        case "string":
            return _text(schema)
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return False
        case _:
            return None


def _number(schema: dict[str, Any]) -> float:
    if "minimum" in schema or "exclusiveMinimum" in schema:
        least: float = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
        return least
    most: float = schema.get("maximum", schema.get("exclusiveMaximum", 1) - 1)
    return min(0, most)


def _text(schema: dict[str, Any]) -> str:
    if "pattern" in schema:
        return _matching(schema["pattern"])
    text = _FORMATS.get(schema.get("format", ""), "text")
    length: int = max(schema.get("minLength", 0), min(len(text), schema.get("maxLength", len(text))))
    return text.ljust(length, "x")[:length]


def _matching(pattern: str) -> str:
    """The simplest text of a pattern. Only those who have patterns wait for this library to load."""
    from hypothesis import HealthCheck, Phase, find, settings
    from hypothesis.errors import NonInteractiveExampleWarning
    from hypothesis.strategies import characters, from_regex

    quiet = settings(
        database=None, derandomize=True, phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck)
    )
    printable = characters(min_codepoint=32, max_codepoint=126)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NonInteractiveExampleWarning)
        return find(from_regex(pattern, fullmatch=True, alphabet=printable), lambda text: True, settings=quiet)
