"""What is wrong with a topology, in words that say what to write instead."""

import difflib
import json
from collections.abc import Iterable
from types import MappingProxyType, NoneType, UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from tidegate.topology import Topology
from tidegate_ops.yaml_source import Location

_A_TOPIC = "lower-case words joined by dots such as flight.reported"
_SNAKE = "lower-case words joined by underscores such as rebook_passengers"
_KEY = "[key]"  # how pydantic marks that the key is at fault, not its value

_VALUES = MappingProxyType(
    {
        "application": "3 to 30 lower-case letters, digits and dashes such as flight-desk",
        "topic": _A_TOPIC,
        "emits": "a list of topics such as [flight.assessed]",
        "accepts": "a list of topics such as [note.edited]",
        "access": "iam, api_keys or public",
        "dead_letter_topic": _A_TOPIC,
        "url": "an address such as https://partner.example",
        "key": "ordering_key, or a field such as data.flight_id",
        "idempotency": "event.id, or a field such as data.order_id",
        "cron": 'five fields such as "0 6 * * *"',
        "dependencies": "a list of names such as [rebooking-api]",
        "classes": "a list of names such as [interactive, bulk], the most important first",
        "class": "one of the topology's classes",
        "attempts": "a whole number of runs such as 5, or null",
        "max_unsettled_jobs": "a whole number of jobs such as 1000, or null",
        "rate_per_second": "a number for each second such as 50, or null",
        "burst": "a whole number such as 100, or null",
    }
)
_KEYS = MappingProxyType(
    {
        "topics": _A_TOPIC,
        "functions": _SNAKE,
        "http_functions": _SNAKE,
        "schedules": _SNAKE,
        "dependencies": "lower-case words joined by dashes such as rebooking-api",
    }
)
_BOUNDS = MappingProxyType(
    {
        "less_than_equal": "must be at most {le:g}",
        "greater_than_equal": "must be at least {ge:g}",
        "greater_than": "must be more than {gt:g}",
        "string_too_short": "must have at least {min_length} characters",
        "string_too_long": "must have at most {max_length} characters",
    }
)
_KINDS = MappingProxyType(
    {
        "int": "must be a whole number",
        "float": "must be a number",
        "bool": "must be true or false",
        "string": "must be text",
        "tuple": "must be a list",
        "dict": "must be key: value pairs",
        "model": "must be key: value pairs",
    }
)


def explain(fault: ErrorDetails) -> str:
    """One line: the path, what is wrong with it and what to write instead."""
    location, kind = fault["loc"], fault["type"]
    if location and location[-1] == _KEY:
        container = str(location[-3])
        return f"{dotted(location[:-1])}: is no valid name; write {_KEYS.get(container, 'another name')}"
    return f"{dotted(location) or 'the file'}: {_explain_value(fault, location, kind)}"


def dotted(location: Location) -> str:
    """``functions.assess_flight.emits[0]``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def suggest(word: str, known: Iterable[str]) -> str:
    """`did you mean …?` where a known word is close, else the list of known words."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"known are {', '.join(names)}" if names else "none is known"


def _explain_value(fault: ErrorDetails, location: Location, kind: str) -> str:
    if kind == "missing":
        return f"is missing; write {_remedy(location)}"
    if kind == "extra_forbidden":
        return f"is no known key; {suggest(str(location[-1]), _known_keys(location[:-1]))}"
    if kind == "value_error":
        return f"{fault['msg'].removeprefix('Value error, ')}; correct one of the values"
    words = f"is {_shown(fault['input'])}"
    if kind in _BOUNDS:
        words += f", {_BOUNDS[kind].format(**fault['ctx'])}"
    elif kind not in ("string_pattern_mismatch", "enum"):  # the remedy says what it may be
        words += f", {_KINDS.get(kind.split('_')[0], fault['msg'])}"
    return f"{words}; write {_remedy(location)}"


def _remedy(location: Location) -> str:
    """What to write at ``location``, with an example."""
    name = next((part for part in reversed(location) if isinstance(part, str)), "")
    annotation, default = _expected(location)
    example = f" such as {default:g}" if isinstance(default, int | float) else ""
    if get_origin(annotation) is dict:
        return "key: value pairs, or {} for none"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not annotation.model_fields:
            return "{}, which has no keys"
        optional = not any(field.is_required() for field in annotation.model_fields.values())
        return f"the keys {', '.join(_fields(annotation))}{', or {} for the defaults' if optional else ''}"
    if name in _VALUES:
        return _VALUES[name]
    if name.endswith("_seconds"):
        return f"a number of seconds{example}"
    if name.endswith("_days"):
        return f"a number of days{example}"
    if annotation is bool:
        return "true or false"
    return f"a whole number{example}" if annotation is int else "text in quotes"


def _expected(location: Location) -> tuple[Any, Any]:
    """The annotation and the default of what belongs at ``location``; (None, None) where nothing does."""
    here: Any = Topology
    default: Any = None
    for part in location:
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = _fields(here).get(str(part))
            here, default = (_present(field.annotation), field.default) if field else (None, None)
        elif get_origin(here) in (dict, tuple):
            here, default = get_args(here)[1 if get_origin(here) is dict else 0], None
        else:
            return None, None
    return here, default


def _present(annotation: Any) -> Any:
    """The model that is meant where it may be left out; any other annotation as it is."""
    parts = [each for each in get_args(annotation) if each is not NoneType]
    optional = isinstance(annotation, UnionType) and len(parts) == 1
    return parts[0] if optional and issubclass(parts[0], BaseModel) else annotation


def _known_keys(location: Location) -> list[str]:
    annotation, _ = _expected(location)
    known = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return list(_fields(annotation)) if known else []


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """A model's fields by the names that a topology has for them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return json.dumps(value, ensure_ascii=False)
