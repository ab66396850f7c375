"""Server-sent events: progress, the end, resuming, heartbeats, and one poller for all."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest

from tests.unit.gateway.front_door import FrontDoor, Listener, listening
from tidegate.testing.virtual_loop import run


async def event(listener: Listener) -> dict[str, str]:
    """The next event; what is none is passed over."""
    while True:
        fields = dict(line.split(": ", 1) for line in (await listener.next()).decode().strip().splitlines())
        if "event" in fields:
            return fields


def test_a_job_is_followed_to_its_end() -> None:
    """First where it stands, then each step, at last the whole job; then the stream ends."""

    async def story() -> None:
        door = FrontDoor()
        job = await door.job()
        async with listening(door, f"/v1/jobs/{job}/events") as client:
            assert await event(client) == {
                "id": "running-0-1",
                "event": "progress",
                "data": '{"state":"running","known":1,"settled":0}',
            }
            assert (client.status, client.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
            await door.advance(job, 1, 21)
            assert (await event(client))["id"] == "running-1-21"
            await door.settle(job, result='{"rows":20}')
            last = await event(client)
            assert (last["event"], last["id"]) == ("settled", "succeeded-1-21")
            async with door.client() as reader:
                assert json.loads(last["data"]) == (await reader.get(f"/v1/jobs/{job}")).json()
            await client.ended.wait()

    run(story())


def test_resuming_repeats_nothing() -> None:
    """Whoever says what was seen last gets what came after it."""

    async def story() -> None:
        door = FrontDoor()
        job = await door.job()
        async with listening(door, f"/v1/jobs/{job}/events", Last_Event_ID="running-0-1") as client:
            await asyncio.sleep(10)
            assert await client.next() == b"retry: 1000\n\n"
            assert client.chunks.empty()
            await door.settle(job)
            assert (await event(client))["id"] == "succeeded-0-1"

    run(story())


def test_a_browser_that_saw_the_end_stays_away() -> None:
    """It would reconnect for ever; 204 is what stops it."""

    async def story() -> None:
        door = FrontDoor()
        job = await door.job()
        await door.settle(job)
        async with listening(door, f"/v1/jobs/{job}/events") as client:
            last = (await event(client))["id"]
        async with listening(door, f"/v1/jobs/{job}/events", Last_Event_ID=last) as client:
            await client.ended.wait()
            assert (client.status, client.chunks.empty()) == (204, True)

    run(story())


def test_silence_is_filled_with_heartbeats() -> None:
    """Every 15 seconds a comment, so that nobody between takes the connection for dead."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        door = FrontDoor(timeout_seconds=3_600)
        job = await door.job()
        async with listening(door, f"/v1/jobs/{job}/events", Last_Event_ID="running-0-1") as client:
            await client.next()
            for beat in (15, 30, 45):
                assert await client.next() == b": still here\n\n"
                assert loop.time() == pytest.approx(beat)

    run(story())


def test_a_stream_ends_before_its_time_is_up() -> None:
    """The function would be cut off in the middle; the client reconnects and resumes."""

    async def story() -> None:
        door = FrontDoor(timeout_seconds=60)
        job = await door.job()
        async with listening(door, f"/v1/jobs/{job}/events") as client:
            await client.ended.wait()
            assert asyncio.get_running_loop().time() == pytest.approx(55)

    run(story())


def test_all_listeners_share_one_poller() -> None:
    """Twenty cost the store no more than one, but for the first reading of each."""

    async def story() -> None:
        door = FrontDoor()
        job = await door.job()
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(listening(door, f"/v1/jobs/{job}/events")) for _ in range(20)]
            for client in clients:
                await event(client)
            assert door.jobs.reads == 20
            await asyncio.sleep(30)
            assert 10 <= door.jobs.reads - 20 <= 20
            await door.settle(job)
            assert {(await event(client))["event"] for client in clients} == {"settled"}

    run(story())


def test_polling_ends_with_the_last_listener() -> None:
    """One that leaves takes nothing from those who stay."""

    async def story() -> None:
        door = FrontDoor()
        job = await door.job()
        path = f"/v1/jobs/{job}/events"
        async with listening(door, path) as first, listening(door, path) as second:
            await event(first)
            await event(second)
            first.left.set()
            await first.ended.wait()
            await door.advance(job, 1, 2)
            assert (await event(second))["id"] == "running-1-2"
        reads = door.jobs.reads
        await asyncio.sleep(60)
        assert door.jobs.reads == reads

    run(story())
