"""What the descriptions of several requests have in common."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from options import (
    CALLBACK_URL,
    CLASS,
    EXPIRES_IN,
    IDEMPOTENCY_KEY,
    MAX_KEY_CHARACTERS,
    MAX_URL_CHARACTERS,
    ORDERING_KEY,
    URL,
)
from problems import Kind

from tidegate.jobs import JobState
from tidegate.messages import MAX_ATTRIBUTE_BYTES
from tidegate.problems import PROBLEM_MEDIA_TYPE
from tidegate.records import Fault

_STANDARD = {
    503: "Too many requests are under way on this instance",
    504: "There was no answer in time",
}
"""What the runtime around every HTTP function answers, with the type ``about:blank``."""


def parameter(name: str, place: str, schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": description}


def problem_responses(*kinds: Kind) -> dict[str, Any]:
    """The responses of these kinds and of those that every request may meet, by status."""
    titles: dict[int, list[str]] = {}
    for kind in (*kinds, Kind.INTERNAL, Kind.UNAVAILABLE):
        titles.setdefault(kind.status, []).append(f"{kind.title} (`{kind.type}`)")
    for status, title in _STANDARD.items():
        titles.setdefault(status, []).append(f"{title} (`about:blank`)")
    return {str(status): _problem_response(status, titles[status]) for status in sorted(titles)}


def _problem_response(status: int, titles: list[str]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": ". ".join(titles) + ".",
        "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"required": True, "schema": {"type": "integer"}}}
    if status == Kind.UNAUTHENTICATED.status:
        response["headers"] = {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}}
    return response


def job_response(description: str, *, waited: bool = False) -> dict[str, Any]:
    """A response with a job; ``waited`` where the client may have asked for waiting."""
    headers: dict[str, Any] = {"ETag": {"required": True, "schema": {"type": "string"}}}
    if waited:
        headers["Preference-Applied"] = {"schema": {"type": "string"}, "description": "How long it may have waited."}
    return {
        "description": description,
        "headers": headers,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}},
    }


def _object(required: Mapping[str, Any], optional: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": [*required], "properties": {**required, **(optional or {})}}


def _printable(most: int) -> dict[str, Any]:
    # A header's value neither begins nor ends with a space.
    return {"type": "string", "minLength": 1, "maxLength": most, "pattern": "^[!-~]([ -~]*[!-~])?$"}


# A schema's patterns know no names of groups. Plain http is for the emulators.
_HTTPS = re.sub(r"\?P<\w+>", "", URL).replace("https?", "https")

_ID = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
_TEXT = {"type": "string"}
_COUNT = {"type": "integer", "minimum": 0}
_MOMENT = {"type": "string", "format": "date-time"}
_MAYBE_MOMENT = {"type": ["string", "null"], "format": "date-time"}
_STATE = {"enum": [str(each) for each in JobState]}
_RECEIPT = {"id": _ID, "state": _STATE, "event_id": _TEXT, "location": _TEXT}

JOB_PARAMETER = parameter("job", "path", _ID, "The job's id.")

CONDITIONS = [
    parameter("If-None-Match", "header", _TEXT, "Entity tags of what is known already."),
    parameter(
        "Prefer",
        "header",
        _TEXT,
        "`wait=N`: answer once the job has settled, or with If-None-Match once it is another; after N seconds "
        "(at most 60) at the latest.",
    ),
]

SUBMISSION_HEADERS = [
    parameter(
        IDEMPOTENCY_KEY,
        "header",
        _printable(MAX_KEY_CHARACTERS),
        "Makes repeating safe: the same key and data are the same job.",
    ),
    parameter(
        ORDERING_KEY,
        "header",
        _printable(MAX_ATTRIBUTE_BYTES),
        "Events of one key reach ordered functions in the order in which they were accepted.",
    ),
    parameter(
        CALLBACK_URL,
        "header",
        {"type": "string", "maxLength": MAX_URL_CHARACTERS, "pattern": _HTTPS},
        "Told when the job has settled.",
    ),
    parameter(
        EXPIRES_IN,
        "header",
        {"type": "integer", "minimum": 1, "maximum": 999_999_999},
        "Seconds after which the event is not handled any more.",
    ),
    parameter("traceparent", "header", _TEXT, "W3C Trace Context: the event belongs to that trace."),
    parameter("tracestate", "header", _TEXT, "W3C Trace Context: the event belongs to that trace."),
]


def class_header(classes: Sequence[str]) -> list[dict[str, Any]]:
    """The header that names the event's class, where there are any."""
    if not classes:
        return []
    about = "How important the event is: under overload those at the end of the list are given up first."
    return [parameter(CLASS, "header", {"enum": [*classes]}, about)]


COMPONENTS: dict[str, Any] = {
    "schemas": {
        "Problem": _object(
            {
                "type": {"enum": [*(each.type for each in Kind), "about:blank"]},
                "title": _TEXT,
                "status": {"type": "integer"},
                "detail": _TEXT,
            },
            {
                "errors": {"type": "array", "items": _object({"pointer": _TEXT, "detail": _TEXT})},
                "header": {"type": "string", "description": "The header that cannot be used."},
                "accepted": {"type": "array", "items": _TEXT, "description": "The topics that are accepted."},
                "versions": {"type": "array", "items": {"type": "integer"}},
                "max_bytes": {"type": "integer"},
                "max_lines": {"type": "integer"},
                "retry_after": {"type": "integer", "description": "Seconds after which the same may be met."},
                "rate_per_second": {"type": "number", "description": "Events that one client may submit."},
                "topic": {"type": "string", "description": "The topic of which too much is under way."},
                "max_unsettled_jobs": {"type": "integer", "description": "So many jobs of it may be under way."},
            },
        ),
        "Receipt": _object(_RECEIPT),
        "LineOutcome": _object(
            {"line": {"type": "integer", "minimum": 1}, "status": {"type": "integer"}},
            {**_RECEIPT, "problem": {"$ref": "#/components/schemas/Problem"}},
        ),
        "Job": _object(
            {
                "id": _ID,
                "state": _STATE,
                "topic": _TEXT,
                "event_id": _TEXT,
                "accepted_at": _MOMENT,
                "settled_at": _MAYBE_MOMENT,
                "cancel_requested_at": _MAYBE_MOMENT,
                "progress": _object({"known": _COUNT, "settled": _COUNT}),
                "result": {"description": "What a handler set as the job's result; null where none did."},
                "failures": {"type": "array", "items": {"$ref": "#/components/schemas/Failure"}},
            }
        ),
        "JobEvent": _object(
            {
                "id": _TEXT,
                "event": {"enum": ["progress", "settled"]},
                "data": {
                    "type": "string",
                    "contentMediaType": "application/json",
                    "description": "Of `progress`: state, known and settled. Of `settled`: the Job.",
                },
            }
        ),
        "Failure": _object(
            {
                "function": _TEXT,
                "event_id": _TEXT,
                "event_type": _TEXT,
                "fault": {"enum": [str(each) for each in Fault]},
                "reason": _TEXT,
                "attempts": _COUNT,
                "at": _MOMENT,
            }
        ),
    },
}
