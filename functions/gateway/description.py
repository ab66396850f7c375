"""The gateway's own description: OpenAPI 3.1, made from the contracts of the accepted topics."""

from collections.abc import Iterable, Sequence
from typing import Any

from bodies import JSON, NDJSON
from catalogue import Catalogue
from description_parts import (
    COMPONENTS,
    CONDITIONS,
    JOB_PARAMETER,
    SUBMISSION_HEADERS,
    class_header,
    job_response,
    parameter,
    problem_responses,
)
from problems import Kind

from tidegate.contracts import Contract
from tidegate.function_config import Access, HttpFunctionConfig

_SECURITY: dict[Access, dict[str, dict[str, str]]] = {
    Access.PUBLIC: {},
    Access.IAM: {"id_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    Access.API_KEYS: {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    },
}
_CALLER = (Kind.UNAUTHENTICATED, Kind.FORBIDDEN)


def describe(config: HttpFunctionConfig, catalogue: Catalogue) -> dict[str, Any]:
    """The OpenAPI document of a gateway that accepts what the catalogue holds."""
    schemes = _SECURITY[config.access]
    schemas = dict(COMPONENTS["schemas"])
    paths: dict[str, Any] = {}
    for topic in catalogue.topics:
        for contract in catalogue.versions(topic):
            schemas |= _schemas(contract)
        paths[f"/v1/events/{topic}"] = {"post": _submission(catalogue.versions(topic), config.classes.ranked)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": config.function,
            "version": "1",
            "description": "Accepts events as jobs, and tells what became of them. Problems are RFC 9457.",
        },
        "paths": {**paths, **_job_paths(), **_own_paths()},
        "components": {**COMPONENTS, "schemas": schemas, "securitySchemes": schemes},
        "security": [{name: []} for name in schemes],
    }


def _submission(versions: Iterable[type[Contract]], classes: Sequence[str]) -> dict[str, Any]:
    newest, *older = versions
    numbers = sorted(each.event_version for each in (newest, *older))
    about = (newest.__doc__ or "").strip()
    version = parameter(
        "version",
        "query",
        {"enum": [str(number) for number in numbers]},
        f"Version of the contract, {newest.event_version} by default. Each is a schema named {newest.event_type}.vN.",
    )
    return {
        "operationId": f"submit {newest.event_type}",
        "summary": f"Submit {newest.event_type}: {about}",
        "parameters": [version, *SUBMISSION_HEADERS, *class_header(classes)],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {"schema": {"$ref": f"#/components/schemas/{_name(newest)}"}},
                NDJSON: {"schema": {"type": "string", "description": "One event as JSON on each line."}},
            },
        },
        "responses": {
            "200": {
                "description": "A batch: what became of each line, in order.",
                "content": {NDJSON: {"schema": {"type": "string", "description": "A LineOutcome on each line."}}},
            },
            "202": {
                "description": "Accepted: it will be handled, whatever happens to the gateway.",
                "headers": {"Location": {"required": True, "schema": {"type": "string"}}},
                "content": {JSON: {"schema": {"$ref": "#/components/schemas/Receipt"}}},
                "links": _links(),
            },
            **problem_responses(
                Kind.MALFORMED_BODY,
                Kind.INVALID_HEADER,
                Kind.UNKNOWN_VERSION,
                *_CALLER,
                Kind.NOBODY_SUBSCRIBES,
                Kind.BODY_TOO_SLOW,
                Kind.TOO_LARGE,
                Kind.UNSUPPORTED_MEDIA_TYPE,
                Kind.INVALID_DATA,
                Kind.KEY_REUSED,
                Kind.RATE_EXCEEDED,
                Kind.INSTANCE_FULL,
                Kind.BACKLOG_FULL,
            ),
        },
    }


def _links() -> dict[str, Any]:
    ids = {"job": "$response.body#/id"}
    return {name: {"operationId": name, "parameters": ids} for name in ("show", "follow", "cancel")}


def _job_paths() -> dict[str, Any]:
    problems = problem_responses(*_CALLER, Kind.UNKNOWN_JOB)
    last = parameter("Last-Event-ID", "header", {"type": "string"}, "The id of the last event seen.")
    return {
        "/v1/jobs/{job}": {
            "parameters": [JOB_PARAMETER],
            "get": {
                "operationId": "show",
                "summary": "What became of a job, at once or when there is something new",
                "parameters": CONDITIONS,
                "responses": {
                    "200": job_response("The job.", waited=True),
                    "304": {"description": "The job is still as If-None-Match says."},
                    **problems,
                },
            },
            "delete": {
                "operationId": "cancel",
                "summary": "Ask for a job's end: what has not started is not done any more",
                "responses": {
                    "200": job_response("The job had settled before."),
                    "202": job_response("It will end."),
                    **problems,
                },
            },
        },
        "/v1/jobs/{job}/events": {
            "parameters": [JOB_PARAMETER],
            "get": {
                "operationId": "follow",
                "summary": "Server-sent events: progress, and at the end settled with the whole job",
                "parameters": [last],
                "responses": {
                    "200": {
                        "description": "The stream.",
                        "content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/JobEvent"}}},
                    },
                    "204": {"description": "The last event had been seen: nothing comes any more."},
                    **problems,
                },
            },
        },
    }


def _own_paths() -> dict[str, Any]:
    content = {JSON: {"schema": {"type": "object"}}}
    return {
        path: {
            "get": {
                "operationId": name,
                "summary": summary,
                "security": [],
                "responses": {"200": {"description": summary, "content": content}, **problem_responses()},
            }
        }
        for path, name, summary in (
            ("/", "home", "Where to go from here"),
            ("/openapi.json", "describe", "This description"),
        )
    }


def _schemas(contract: type[Contract]) -> dict[str, Any]:
    """The contract's schema, and those that it refers to, by names that no other contract has."""
    name = _name(contract)
    schema = contract.model_json_schema(ref_template=f"#/components/schemas/{name}.{{model}}")
    parts = schema.pop("$defs", {})
    return {name: schema, **{f"{name}.{part}": each for part, each in parts.items()}}


def _name(contract: type[Contract]) -> str:
    return f"{contract.event_type}.v{contract.event_version}"
