"""What is refused at the door, each with a problem that programs and people can read."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.gateway.front_door import MANIFEST, NOTE, FrontDoor
from tidegate.classes import Classes
from tidegate.errors import ConfigurationError
from tidegate.outbox import MAX_DATA_BYTES

pytestmark = pytest.mark.anyio

NOTES = "/v1/events/note.edited"
JSON = {"Content-Type": "application/json"}


async def refused(path: str, content: Any, headers: dict[str, str] | None = None, **options: Any) -> dict[str, Any]:
    """The problem that a submission meets; nothing was kept or published."""
    door = FrontDoor(**options)
    async with door.client() as client:
        answer = await client.post(path, content=content, headers=JSON if headers is None else headers)
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert not door.publisher.published
    assert not list(door.documents.paths())
    return problem


async def test_data_is_held_against_its_contract() -> None:
    """Every place that does not fit is named by a JSON pointer."""
    wrong = b'{"flight_id": "EV3267", "base_version": -1, "text": "", "editor": null}'
    assert await refused(NOTES, wrong) == {
        "type": "urn:tidegate:problem:invalid-data",
        "title": "The data does not fit its contract",
        "status": 422,
        "detail": "the data does not fit note.edited v1 in 3 place(s)",
        "errors": [
            {
                "pointer": "/flight_id",
                "detail": "String should match pattern '^[A-Z0-9]{2}[0-9]+-[A-Z]{3}-[0-9]{8}$'",
            },
            {"pointer": "/base_version", "detail": "Input should be greater than or equal to 0"},
            {"pointer": "/editor", "detail": "Input should be a valid string"},
        ],
    }


async def test_a_missing_field_is_named_where_it_should_be() -> None:
    """The pointer is that of the field itself."""
    problem = await refused("/v1/events/manifest.received", b"{}")
    assert problem["errors"][0] == {"pointer": "/manifest_id", "detail": "Field required"}
    assert len(problem["errors"]) == 4


async def test_data_that_is_no_object_has_the_empty_pointer() -> None:
    """It points to the whole."""
    [error] = (await refused(NOTES, b"[]"))["errors"]
    assert error["pointer"] == ""


@pytest.mark.parametrize("field", ["a/b", "m~n"])
async def test_pointers_are_escaped(field: str) -> None:
    """As RFC 6901 wants it."""
    content = b'{"manifest_id": "m", "origin": "EWR", "date": "2013-02-08", "line": 2, "record": {"%b": 1}}'
    problem = await refused(
        "/v1/events/flight.reported",
        content % field.encode(),
        accepts=("flight.reported",),
        subscribers={"flight.reported": ("assess_flight",)},
    )
    [error] = problem["errors"]
    assert error["pointer"] == "/record/" + {"a/b": "a~1b", "m~n": "m~0n"}[field]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"{} {}", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": "\xff"}', b'{"a": "\\ud800"}', b"[" * 10_000],
    ids=["nothing", "half", "two", "NaN", "infinity", "no UTF-8", "half a character", "deep"],
)
async def test_what_is_not_json_is_refused(content: bytes) -> None:
    """Also what Python's readers would take."""
    problem = await refused(NOTES, content)
    assert (problem["status"], problem["type"]) == (400, "urn:tidegate:problem:malformed-body")


async def test_an_unknown_topic_is_told_the_known_ones() -> None:
    """For people and for programs."""
    assert await refused("/v1/events/note.edit", b"{}") == {
        "type": "urn:tidegate:problem:unknown-topic",
        "title": "Events of this topic are not accepted",
        "status": 404,
        "detail": "'note.edit' is not among the accepted topics: manifest.received, note.edited",
        "accepted": ["manifest.received", "note.edited"],
    }


async def test_topics_that_functions_emit_are_not_open_to_callers() -> None:
    """Only what the topology accepts may be handed in."""
    assert (await refused("/v1/events/flight.cancelled", b"{}"))["status"] == 404


@pytest.mark.parametrize("version", ["2", "0", "01", "", "x"])
async def test_an_unknown_version_is_told_the_known_ones(version: str) -> None:
    """The contract of another version is not guessed."""
    problem = await refused(f"{NOTES}?version={version}", b"{}")
    assert (problem["type"], problem["versions"]) == ("urn:tidegate:problem:unknown-version", [1])


async def test_a_known_version_is_taken() -> None:
    """By its number."""
    door = FrontDoor()
    async with door.client() as client:
        assert (await client.post(f"{NOTES}?version=1", json=NOTE)).status_code == 202


async def test_a_topic_without_subscribers_takes_nothing() -> None:
    """A job of no work would be of no use to anybody."""
    async with (door := FrontDoor(subscribers={})).client() as client:
        answer = await client.post("/v1/events/manifest.received", json=MANIFEST)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:tidegate:problem:nobody-subscribes")
    assert not list(door.documents.paths())


HEADERS = {
    "an empty key": {"Idempotency-Key": ""},
    "a long key": {"Idempotency-Key": "k" * 256},
    "a key with a tab": {"Idempotency-Key": "a\tb"},
    "a key beyond ASCII": {"Idempotency-Key": "é"},
    "a long ordering key": {"Tidegate-Ordering-Key": "k" * 1_025},
    "no seconds": {"Tidegate-Expires-In": "soon"},
    "expired": {"Tidegate-Expires-In": "0"},
    "in the past": {"Tidegate-Expires-In": "-1"},
    "for ever": {"Tidegate-Expires-In": "9" * 10},
    "a class where there are none": {"Tidegate-Class": "bulk"},
    "a relative URL": {"Tidegate-Callback-Url": "/hooks"},
    "no host": {"Tidegate-Callback-Url": "https:///hooks"},
    "a port that is none": {"Tidegate-Callback-Url": "https://desk.example:70000/"},
    "half an address": {"Tidegate-Callback-Url": "https://[::1/"},
    "a password": {"Tidegate-Callback-Url": "https://ann:secret@desk.example/"},
    "a fragment": {"Tidegate-Callback-Url": "https://desk.example/#top"},
    "a space": {"Tidegate-Callback-Url": "https://desk.example/a b"},
    "another scheme": {"Tidegate-Callback-Url": "ftp://desk.example/"},
    "plain http": {"Tidegate-Callback-Url": "http://desk.example/"},
    "a long URL": {"Tidegate-Callback-Url": "https://desk.example/" + "a" * 2_048},
}


@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
async def test_a_header_that_cannot_be_used_is_named(headers: dict[str, str]) -> None:
    """Nothing is taken without what was asked for with it."""
    encoded = {name: value.encode() for name, value in (JSON | headers).items()}
    problem = await refused(NOTES, b"{}", encoded)  # type: ignore[arg-type]
    assert (problem["type"], problem["status"]) == ("urn:tidegate:problem:invalid-header", 400)
    assert [problem["header"]] == list(headers)


@pytest.mark.parametrize(("name", "status"), [("bulk", 202), ("interactive", 202), ("express", 400), ("", 400)])
async def test_a_class_is_one_of_the_topologys(name: str, status: int) -> None:
    """It travels with the event; an unknown one is refused with those that are known, which the description lists."""
    door = FrontDoor(classes=Classes(ranked=("interactive", "bulk")))
    async with door.client() as client:
        answer = await client.post(NOTES, json=NOTE, headers={"Tidegate-Class": name})
        description = (await client.get("/openapi.json")).json()
    assert answer.status_code == status
    assert [each.attributes["tidegate-class"] for each in door.publisher.published] == [name] * (status == 202)
    if status == 400:
        assert answer.json()["detail"] == "Tidegate-Class: expected interactive or bulk"
    [listed] = [each for each in description["paths"][NOTES]["post"]["parameters"] if each["name"] == "Tidegate-Class"]
    assert listed["schema"] == {"enum": ["interactive", "bulk"]}


@pytest.mark.parametrize(("emulated", "status"), [(True, 202), (False, 400)])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_callback_to_this_machine_is_for_the_emulators(emulated: bool, status: int, host: str) -> None:
    """In the cloud it would reach nobody."""
    door = FrontDoor(emulated=emulated, access="public")
    async with door.client() as client:
        answer = await client.post(NOTES, json=NOTE, headers={"Tidegate-Callback-Url": f"http://{host}:8080/hooks"})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        JSON | {"Content-Encoding": "gzip"},
    ],
)
async def test_other_media_types_are_refused(headers: dict[str, str]) -> None:
    """A form is what curl sends where nobody names a type."""
    problem = await refused(NOTES, b"{}", headers)
    assert (problem["type"], problem["status"]) == ("urn:tidegate:problem:unsupported-media-type", 415)


async def test_the_media_type_may_have_parameters() -> None:
    """And any case."""
    async with FrontDoor().client() as client:
        answer = await client.post(NOTES, json=NOTE, headers={"Content-Type": "Application/JSON; charset=utf-8"})
    assert answer.status_code == 202


@pytest.mark.parametrize("declared", [str(MAX_DATA_BYTES + 1), "9" * 5_000])
async def test_a_body_that_declares_too_much_is_not_read(declared: str) -> None:
    """Its length is the first that is looked at."""

    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    problem = await refused(NOTES, unread(), JSON | {"Content-Length": declared})
    assert (problem["type"], problem["status"]) == ("urn:tidegate:problem:too-large", 413)
    assert problem["max_bytes"] == MAX_DATA_BYTES


async def test_a_body_that_declares_nothing_is_bounded_as_well() -> None:
    """It is counted as it comes."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1_000_000
            yield b" " * 1_000_000

    assert (await refused(NOTES, endless()))["status"] == 413
    assert sent <= MAX_DATA_BYTES + 2_000_000


@pytest.mark.parametrize(
    ("method", "path", "kind", "status"),
    [
        ("GET", "/v1/nothing", "no-such-path", 404),
        ("GET", "/v1/jobs/", "no-such-path", 404),
        ("GET", f"/v1/jobs/{'0' * 32}/", "no-such-path", 404),
        ("PUT", NOTES, "method-not-allowed", 405),
        ("POST", "/openapi.json", "method-not-allowed", 405),
    ],
)
async def test_wrong_paths_and_methods_are_problems_too(method: str, path: str, kind: str, status: int) -> None:
    """Of the same form as all others."""
    async with FrontDoor().client() as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:tidegate:problem:{kind}")
    assert ("allow" in answer.headers) == (status == 405)


def test_accepting_what_has_no_contract_is_a_mistake() -> None:
    """It shows when the gateway starts, not when the first event comes."""
    with pytest.raises(ConfigurationError, match=r"note\.lost is accepted, but no contract is of this type"):
        FrontDoor(accepts=("note.lost",))
