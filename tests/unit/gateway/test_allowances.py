"""The rate of each client: what counts, for whom, and what whoever is too fast is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest

from tests.unit.gateway.front_door import ELSEWHERE, GATEWAY, NOTE, FrontDoor, gateway_config
from tidegate.events import digest
from tidegate.testing.virtual_loop import run

NOTES = "/v1/events/note.edited"
NDJSON = {"Content-Type": "application/x-ndjson"}
ONE = {"rate_per_second": 0.5, "burst": 1}
"""An event every two seconds: nobody gets a second one at once."""
ADDRESS = ("203.0.113.7", 50_000)
NEXT_DOOR = ("203.0.113.8", 50_000)


async def edit(client: httpx.AsyncClient, **headers: str) -> int:
    """Hand in a note; the status of the answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return (await client.post(NOTES, json=NOTE, headers=named)).status_code


def test_who_is_too_fast_is_told_when_to_come_again() -> None:
    """429, since it is the client that is at fault; nothing is kept, and others are as before."""

    async def story() -> None:
        door = FrontDoor(rate_per_second=0.25, burst=3)
        async with door.client() as client:
            assert [await edit(client) for _ in range(4)] == [202, 202, 202, 429]
            kept = list(door.documents.paths())
            refused = await client.post(NOTES, json=NOTE)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "4")
            assert refused.json() == {
                "type": "urn:tidegate:problem:rate-exceeded",
                "title": "This client hands in events too fast",
                "status": 429,
                "detail": "0.25 events a second are taken from one client: come again later",
                "rate_per_second": 0.25,
                "retry_after": 4,
            }
            assert list(door.documents.paths()) == kept
            await asyncio.sleep(int(refused.headers["retry-after"]))
            assert [await edit(client) for _ in range(2)] == [202, 429]

    run(story())


def test_without_a_rate_nobody_is_too_fast() -> None:
    """It is off unless the topology sets one."""

    async def story() -> None:
        async with FrontDoor().client() as client:
            assert {await edit(client) for _ in range(200)} == {202}

    run(story())


def test_a_burst_is_one_seconds_worth() -> None:
    """Unless the topology says another number."""

    async def story() -> None:
        async with FrontDoor(rate_per_second=7).client() as client:
            assert [await edit(client) for _ in range(8)] == [202] * 7 + [429]

    run(story())


def test_only_what_is_handed_in_counts() -> None:
    """Whoever was told to wait can still see what has become of the rest, and end it."""

    async def story() -> None:
        door = FrontDoor(**ONE)
        job = await door.job()
        async with door.client() as client:
            assert await edit(client) == 429
            for _ in range(5):
                for path in (f"/v1/jobs/{job}", "/openapi.json"):
                    assert (await client.get(path)).status_code == 200
            assert (await client.delete(f"/v1/jobs/{job}")).status_code == 202

    run(story())


def test_a_repetition_counts_too() -> None:
    """It is refused without harm: it can be repeated later."""

    async def story() -> None:
        async with FrontDoor(**ONE).client() as client:
            assert [await edit(client, Idempotency_Key="k") for _ in range(2)] == [202, 429]
            await asyncio.sleep(2)
            assert await edit(client, Idempotency_Key="k") == 202

    run(story())


def test_holders_of_keys_have_a_rate_each() -> None:
    """By their principal: several keys are one client, from wherever they call."""

    async def story() -> None:
        door = FrontDoor(emulated=False, access="api_keys", **ONE)
        for key, principal in (("a-1", "ann"), ("a-2", "ann"), ("b-1", "bob")):
            fields = {"principal": principal, "expires_at": None, "disabled": False}
            await door.firestore.document(f"api_keys/{digest(key)}").set(fields)
        async with door.client(ADDRESS) as client, door.client(NEXT_DOOR) as other:
            assert await edit(client, X_API_Key="a-1") == 202
            assert await edit(other, X_API_Key="a-2") == 429
            assert await edit(client, X_API_Key="b-1") == 202

    run(story())


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("198.51.100.1, 203.0.113.7", "198.51.100.2, 203.0.113.7", True),
        ("203.0.113.7, 198.51.100.1", "203.0.113.7, 198.51.100.2", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::1", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", False),
        ("nobody", "anybody", True),
        ("", "203.0.113.7", True),
    ],
    ids=str,
)
def test_the_public_is_told_apart_by_address(first: str, second: str, same: bool) -> None:
    """By the one that Cloud Run has added last; what stands before it anybody may have written."""

    async def story() -> None:
        door = FrontDoor(emulated=False, access="public", **ONE)
        async with door.client(ADDRESS) as client:
            assert await edit(client, X_Forwarded_For=first) == 202
            assert await edit(client, X_Forwarded_For=second) == (429 if same else 202)

    run(story())


def test_on_the_emulators_no_proxy_is_believed() -> None:
    """Nobody stands in front who would have written the header."""

    async def story() -> None:
        door = FrontDoor(access="public", **ONE)
        async with door.client(ELSEWHERE) as client, door.client(NEXT_DOOR) as other:
            assert await edit(client, X_Forwarded_For="198.51.100.1") == 202
            assert await edit(client, X_Forwarded_For="198.51.100.2") == 429
            assert await edit(other) == 202

    run(story())


async def batch(client: httpx.AsyncClient, count: int, headers: Mapping[str, str] = NDJSON) -> list[dict[str, Any]]:
    """Hand in so many notes at once; what is told of their lines."""
    body = "".join(json.dumps(NOTE | {"base_version": number}) + "\n" for number in range(count))
    answer = await client.post(NOTES, content=body, headers=dict(headers))
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def test_each_line_of_a_batch_counts() -> None:
    """Those that are too many are refused one by one, and can be sent again."""

    async def story() -> None:
        async with FrontDoor(rate_per_second=10).client() as client:
            told = await batch(client, 15)
            assert [each["status"] for each in told] == [202] * 10 + [429] * 5
            assert (told[10]["problem"]["type"], told[10]["problem"]["retry_after"]) == (
                "urn:tidegate:problem:rate-exceeded",
                1,
            )
            await asyncio.sleep(1)
            assert {each["status"] for each in await batch(client, 10)} == {202}

    run(story())


def test_no_line_overtakes_one_that_came_too_fast() -> None:
    """Of one ordering key; else what is sent again would come after what followed it."""

    async def story() -> None:
        async with FrontDoor(rate_per_second=2).client() as client:
            told = await batch(client, 4, {**NDJSON, "Tidegate-Ordering-Key": "k"})
        assert [each["status"] for each in told] == [202, 202, 429, 503]
        assert told[3]["problem"]["detail"].startswith("not tried, because line 3")

    run(story())


@pytest.mark.parametrize("media", ["application/json", "application/x-ndjson"])
def test_the_body_of_who_is_too_fast_is_not_read(media: str) -> None:
    """So that a flood costs little."""

    async def unread() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    async def story() -> None:
        async with FrontDoor(**ONE).client() as client:
            assert await edit(client) == 202
            assert (await client.post(NOTES, content=unread(), headers={"Content-Type": media})).status_code == 429

    run(story())


def test_memory_is_bounded() -> None:
    """Of ten thousand clients it is known what they have used; of more, those are forgotten that were away longest."""
    parts = GATEWAY.call.__globals__["application"].__globals__
    allowances, problem = parts["Allowances"](gateway_config(**ONE)), parts["HANDLERS"]

    async def story() -> list[bool]:
        def passes(client: str) -> bool:
            try:
                allowances.take(client)
            except tuple(problem):
                return False
            return True

        assert passes("early")
        assert passes("steady")
        assert all(passes(f"client-{number}") for number in range(9_000))
        assert not passes("steady")
        assert all(passes(f"other-{number}") for number in range(9_000))
        return [passes("steady"), passes("early")]

    assert run(story()) == [False, True]
