"""Batches: one event a line, each accepted or refused by itself, answered in order."""

import asyncio
import json
from collections import deque
from typing import Any

import pytest

from tests.unit.gateway.front_door import NOTE, FrontDoor
from tidegate.errors import PublishFailed

pytestmark = pytest.mark.anyio

PATH = "/v1/events/note.edited"


def notes(count: int) -> list[Any]:
    return [NOTE | {"base_version": number} for number in range(count)]


def ndjson(events: list[Any]) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in events)


async def hand_in(door: FrontDoor, body: bytes, **headers: str) -> list[dict[str, Any]]:
    """Hand a batch in and return the lines of the answer."""
    async with door.client() as client:
        answer = await client.post(PATH, content=body, headers={"Content-Type": "application/x-ndjson", **headers})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson")
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_each_line_is_a_job() -> None:
    """Its outcome is a receipt with its number."""
    door = FrontDoor()
    outcomes = await hand_in(door, ndjson(notes(100)))
    assert [(each["line"], each["status"]) for each in outcomes] == [(number, 202) for number in range(1, 101)]
    assert len({each["id"] for each in outcomes}) == len(door.publisher.published) == 100
    assert outcomes[0] == {
        "line": 1,
        "status": 202,
        "id": outcomes[0]["id"],
        "state": "running",
        "event_id": outcomes[0]["event_id"],
        "location": f"/v1/jobs/{outcomes[0]['id']}",
    }


async def test_a_bad_line_spoils_no_other() -> None:
    """It has its problem in its place; numbers count empty lines as well."""
    body = ndjson(notes(1)) + b"\n{\r\n" + ndjson([{**NOTE, "editor": ""}]) + ndjson(notes(2)[1:])
    outcomes = await hand_in(FrontDoor(), body)
    assert [(each["line"], each["status"]) for each in outcomes] == [(1, 202), (3, 400), (4, 422), (5, 202)]
    assert outcomes[2]["problem"] == {
        "type": "urn:tidegate:problem:invalid-data",
        "title": "The data does not fit its contract",
        "status": 422,
        "detail": "the data does not fit note.edited v1 in 1 place(s)",
        "errors": [{"pointer": "/editor", "detail": "String should have at least 1 character"}],
    }


async def test_a_batch_is_repeated_under_its_key() -> None:
    """Each line has a key of its own, so that those that failed are mended and the others stay."""
    door = FrontDoor()
    door.publisher.failures = deque([None, PublishFailed("away"), None])
    headers = {"Idempotency-Key": "k-1"}
    first = await hand_in(door, ndjson(notes(3)), **headers)
    second = await hand_in(door, ndjson(notes(3)), **headers)
    assert [each["status"] for each in first] == [202, 503, 202]
    assert [each["status"] for each in second] == [202] * 3
    assert first[0]["id"] == second[0]["id"]
    assert {each["event_id"] for each in second} == set(door.publisher.ids("note.edited"))
    assert len({path for path in door.documents.paths() if path.count("/") == 1}) == 3


async def test_a_key_of_a_batch_is_not_one_of_an_event() -> None:
    """The first line and a single event under the same key are two jobs."""
    door = FrontDoor()
    [outcome] = await hand_in(door, ndjson(notes(1)), **{"Idempotency-Key": "k-1"})
    async with door.client() as client:
        single = await client.post(PATH, json=NOTE, headers={"Idempotency-Key": "k-1"})
    assert single.json()["id"] != outcome["id"]


async def test_a_limited_number_is_under_way() -> None:
    """However long the batch is."""
    door = FrontDoor()
    publish = door.publisher.publish
    under_way = most = 0

    async def counting(messages: Any) -> None:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        for _ in range(5):
            await asyncio.sleep(0)
        await publish(messages)
        under_way -= 1

    door.publisher.publish = counting  # type: ignore[method-assign]
    assert len(await hand_in(door, ndjson(notes(200)))) == 200
    assert 8 <= most <= 32


async def test_events_of_an_ordering_key_keep_their_order() -> None:
    """They are published one after another."""
    door = FrontDoor()
    outcomes = await hand_in(door, ndjson(notes(50)), **{"Tidegate-Ordering-Key": "EV3267"})
    assert door.publisher.ids("note.edited") == [each["event_id"] for each in outcomes]


async def test_no_event_overtakes_one_of_unknown_fate() -> None:
    """What comes after it in its ordering key is not tried; what is plainly wrong holds nobody up."""
    door = FrontDoor()
    door.publisher.failures = deque([None, PublishFailed("away")])
    body = ndjson(notes(1)) + b"{\n" + ndjson(notes(3))
    outcomes = await hand_in(door, body, **{"Tidegate-Ordering-Key": "EV3267"})
    assert [each["status"] for each in outcomes] == [202, 400, 503, 503, 503]
    assert "line 3 of the same ordering key" in outcomes[4]["problem"]["detail"]
    assert len(door.publisher.published) == 1


async def test_an_error_of_our_own_spoils_its_line_alone() -> None:
    """The stream goes on."""
    door = FrontDoor()
    door.publisher.failures = deque([ZeroDivisionError("secret")])
    outcomes = await hand_in(door, ndjson(notes(2)))
    assert [each["status"] for each in outcomes] == [500, 202]
    assert "secret" not in str(outcomes)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"", 400, "malformed-body"),
        (b"\n \r\n", 400, "malformed-body"),
        (b"\n" * 10_001, 413, "too-large"),
        (b"{}\n" * 10_000 + b"{}", 413, "too-large"),
    ],
    ids=["nothing", "empty lines", "many empty lines", "one line too many"],
)
async def test_a_batch_that_is_none_is_refused(body: bytes, status: int, kind: str) -> None:
    """As a whole, before any line is looked at."""
    async with FrontDoor().client() as client:
        answer = await client.post(PATH, content=body, headers={"Content-Type": "application/x-ndjson"})
    assert (answer.status_code, answer.json()["type"]) == (status, f"urn:tidegate:problem:{kind}")


async def test_what_was_begun_is_ended_when_the_client_leaves() -> None:
    """No job is kept whose event stays unpublished, and no further line is begun."""
    door = FrontDoor()
    publish = door.publisher.publish
    waiting, go, out = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def held(messages: Any) -> None:
        waiting.set()
        await go.wait()
        await publish(messages)
        if len(door.publisher.published) == len(jobs):
            out.set()

    door.publisher.publish = held  # type: ignore[method-assign]
    request = asyncio.create_task(hand_in(door, ndjson(notes(100))))
    await waiting.wait()
    request.cancel()
    await asyncio.gather(request, return_exceptions=True)
    jobs = {path for path in door.documents.paths() if path.count("/") == 1}
    go.set()
    await asyncio.wait_for(out.wait(), timeout=10)
    assert 1 <= len(jobs) <= 32
