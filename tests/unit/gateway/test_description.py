"""The OpenAPI description is complete, and true of what the gateway does."""

import asyncio
import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection
from starlette.types import Receive, Scope, Send

from tests.unit.gateway.front_door import FrontDoor
from tidegate.events import digest
from tidegate.testing import NOON

KEY = "s3cret"
LEFT_OUT = [
    negative_data_rejection,  # contracts are tolerant readers: they take "7" for a number, which no schema can say
    ignored_auth,  # takes a call with a good key in one header and a made-up one in the other for a hole
]
FEW = settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def described(**options: Any) -> dict[str, Any]:
    """The description that a gateway with these options gives."""

    async def read() -> dict[str, Any]:
        async with FrontDoor(**options).client() as client:
            answer: dict[str, Any] = (await client.get("/openapi.json")).json()
            return answer

    return asyncio.run(read())


DESCRIPTION = described(access="api_keys")
OPERATIONS = [
    (path, method) for path, item in DESCRIPTION["paths"].items() for method in item if method != "parameters"
]
TAKING = [each for each in OPERATIONS if DESCRIPTION["paths"][each[0]][each[1]].get("parameters") or "{job}" in each[0]]


def test_every_path_is_described() -> None:
    """The accepted topics, each with its contract, and what is fixed."""
    assert OPERATIONS == [
        ("/v1/events/manifest.received", "post"),
        ("/v1/events/note.edited", "post"),
        ("/v1/jobs/{job}", "get"),
        ("/v1/jobs/{job}", "delete"),
        ("/v1/jobs/{job}/events", "get"),
        ("/", "get"),
        ("/openapi.json", "get"),
    ]
    assert DESCRIPTION["components"]["schemas"]["note.edited.v1"]["properties"]["editor"]["maxLength"] == 100


@pytest.mark.parametrize(
    ("access", "schemes"), [("iam", {"id_token"}), ("api_keys", {"bearer", "header"}), ("public", set())]
)
def test_it_says_how_to_say_who_one_is(access: str, schemes: set[str]) -> None:
    """Each scheme is enough by itself."""
    description = described(access=access)
    assert set(description["components"]["securitySchemes"]) == schemes
    assert [set(each) for each in description["security"]] == [
        {each} for each in description["components"]["securitySchemes"]
    ]


def test_every_reference_leads_somewhere() -> None:
    """Also those inside of contracts, whose parts have names of their own."""
    accepts = tuple({"flight.reported", "flight.assessed", "passengers.rebooked"})
    description = described(accepts=accepts)
    found = set(_references(description))
    known = {f"#/components/schemas/{name}" for name in description["components"]["schemas"]}
    assert found <= known
    assert "#/components/schemas/flight.assessed.v1" in found


def test_what_is_too_much_is_described() -> None:
    """Of a submission alone: each status with its problems, and with the time after which to come again."""
    responses = DESCRIPTION["paths"]["/v1/events/note.edited"]["post"]["responses"]
    told = {
        "408": ["body-too-slow"],
        "413": ["too-large"],
        "429": ["rate-exceeded"],
        "503": ["backlog-full", "instance-full", "about:blank"],
    }
    for status, problems in told.items():
        assert all(each in responses[status]["description"] for each in problems)
    assert all("Retry-After" in responses[status]["headers"] for status in ("429", "503"))
    reading = DESCRIPTION["paths"]["/v1/jobs/{job}"]["get"]["responses"]
    assert "429" not in reading
    assert "backlog-full" not in reading["503"]["description"]


@pytest.mark.parametrize("options", [{"rate_per_second": 0.001}, {"max_unsettled_jobs": {"note.edited": 1}}], ids=str)
def test_refusals_of_too_much_are_as_described(options: dict[str, Any]) -> None:
    """Status, headers and members; of a single event, and of the second in a batch."""
    description = described(access="public", **options)
    schema = schemathesis.openapi.from_dict(description)
    schema.app = FrontDoor(access="public", **options).application
    operation = schema["/v1/events/note.edited"]["POST"]
    note = {"flight_id": "EV3267-EWR-20130208", "base_version": 0, "text": "Gate 7", "editor": "zoe"}
    cases = [operation.Case(body=note, media_type="application/json") for _ in range(2)]
    answers = [each.call_and_validate(excluded_checks=[*LEFT_OUT, not_a_server_error]) for each in cases]
    assert [each.status_code for each in answers] == [202, 503 if "max_unsettled_jobs" in options else 429]


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: mode.value)
@pytest.mark.parametrize(("path", "method"), TAKING, ids=[f"{method} {path}" for path, method in TAKING])
def test_answers_are_as_described(path: str, method: str, mode: GenerationMode) -> None:
    """Status, media type, headers and body of whatever made-up requests are answered with."""
    schema = schemathesis.openapi.from_dict(DESCRIPTION)
    schema.app = afresh

    @given(case=schema[path][method.upper()].as_strategy(generation_mode=mode))
    @FEW
    def holds(case: Case) -> None:
        case.call_and_validate(headers={"X-API-Key": KEY}, excluded_checks=LEFT_OUT)

    holds()


@pytest.mark.parametrize(("path", "method"), [each for each in OPERATIONS if "{job}" in each[0]])
def test_answers_about_jobs_are_as_described(path: str, method: str) -> None:
    """Of a job that is there, with a result and a failure."""
    door = FrontDoor(emulated=False, access="api_keys")
    job = asyncio.run(_failed_job(door))
    schema = schemathesis.openapi.from_dict(DESCRIPTION)
    schema.app = door.application

    @given(case=schema[path][method.upper()].as_strategy())
    @FEW
    def holds(case: Case) -> None:
        case.path_parameters = {"job": job}
        case.call_and_validate(headers={"X-API-Key": KEY}, excluded_checks=LEFT_OUT)

    holds()


async def afresh(scope: Scope, receive: Receive, send: Send) -> None:
    """A gateway for this request alone: a made-up idempotency key may come again with other data."""
    door = FrontDoor(emulated=False, access="api_keys")
    await _issue(door)
    await door.application(scope, receive, send)


async def _issue(door: FrontDoor) -> None:
    await door.firestore.document(f"api_keys/{digest(KEY)}").set({"principal": "ann", "expires_at": None})


async def _failed_job(door: FrontDoor) -> str:
    """The id of a job of the key's holder that has failed."""
    await _issue(door)
    job = await door.job(**{"X-API-Key": KEY})
    await door.settle(job, "failed", result=json.dumps({"rows": 20}))
    await door.firestore.document(f"jobs/{job}/job_failures/f").set(
        {
            "function": "edit_note",
            "event_id": "e-1",
            "event_type": "note.edited",
            "fault": "rejected",
            "reason": "no",
            "attempts": 1,
            "at": NOON,
            "expire_at": NOON,
        }
    )
    return job


def _references(part: Any) -> list[str]:
    """Every ``$ref`` below a part of the description."""
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [each for value in part.values() for each in _references(value)]
    return [each for value in part for each in _references(value)] if isinstance(part, list) else []
