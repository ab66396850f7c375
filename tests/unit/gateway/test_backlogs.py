"""The bound on unsettled jobs: who is refused beyond it, what that costs, and what it never refuses."""

import asyncio
import json
import logging
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.unit.gateway.front_door import GATEWAY, MANIFEST, NOTE, FrontDoor, gateway_config
from tidegate.jobs import Job
from tidegate.settings import Settings
from tidegate.sites import Site
from tidegate.testing.virtual_loop import run

MANIFESTS = "/v1/events/manifest.received"
NOTES = "/v1/events/note.edited"
BATCH = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "batch"}


def bounded(most: int, **options: Any) -> FrontDoor:
    """A gateway that takes so many manifests."""
    return FrontDoor(max_unsettled_jobs={"manifest.received": most}, **options)


async def hand_in(client: httpx.AsyncClient, key: str = "", **changes: str) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await client.post(MANIFESTS, json=MANIFEST | changes, headers=headers)


async def statuses(client: httpx.AsyncClient, count: int) -> list[int]:
    """What so many manifests are answered with, one after another."""
    return [(await hand_in(client)).status_code for _ in range(count)]


def test_a_full_topic_takes_no_more() -> None:
    """503, since nobody who calls is at fault; with the bound, and when to come again. Nothing is kept."""

    async def story() -> None:
        door = bounded(2)
        async with door.client() as client:
            assert await statuses(client, 2) == [202, 202]
            kept = list(door.documents.paths())
            refused = await hand_in(client)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        assert refused.json() == {
            "type": "urn:tidegate:problem:backlog-full",
            "title": "Too many jobs of this topic have not settled yet",
            "status": 503,
            "detail": "2 jobs of manifest.received have not settled, and no more are accepted until some have: "
            "come again later",
            "topic": "manifest.received",
            "max_unsettled_jobs": 2,
            "retry_after": 5,
        }
        assert list(door.documents.paths()) == kept
        assert len(door.publisher.published) == 2

    run(story())


def test_what_settles_makes_room() -> None:
    """It shows within a second; what is being undone takes up room still."""

    async def story() -> None:
        door = bounded(2)
        first, second = await door.job("a"), await door.job("b")
        await door.change(first, state="compensating")
        async with door.client() as client:
            await asyncio.sleep(1)
            assert (await hand_in(client)).status_code == 503
            await door.settle(second)
            await asyncio.sleep(1)
            assert await statuses(client, 2) == [202, 503]
            await door.settle(first, "failed")
            await asyncio.sleep(1)
            assert await statuses(client, 2) == [202, 503]

    run(story())


def test_other_topics_are_open() -> None:
    """Each topic has its own bound, or none."""

    async def story() -> None:
        door = bounded(1)
        async with door.client() as client:
            assert await statuses(client, 2) == [202, 503]
            assert (await client.post(NOTES, json=NOTE)).status_code == 202

    run(story())


def test_what_was_accepted_is_never_refused() -> None:
    """Whoever repeats a submission gets its job, however full the topic is; its event is published if need be."""

    async def story() -> None:
        door = bounded(1)
        accepted = await door.job("mine")
        async with door.client() as client:
            again, other, conflicting = [
                await hand_in(client, *arguments, **changes)
                for arguments, changes in ((("mine",), {}), (("yours",), {}), (("mine",), {"csv": "a\n1\n"}))
            ]
        assert (again.status_code, again.json()["id"]) == (202, accepted)
        assert other.json()["type"] == "urn:tidegate:problem:backlog-full"
        assert conflicting.json()["type"] == "urn:tidegate:problem:key-reused"
        assert len(door.publisher.published) == 2

    run(story())


def test_a_repetition_takes_up_no_room() -> None:
    """It is the same job."""

    async def story() -> None:
        door = bounded(2)
        for _ in range(5):
            await door.job("mine")
        async with door.client() as client:
            assert await statuses(client, 2) == [202, 503]

    run(story())


def test_many_at_once_stay_within_the_bound() -> None:
    """Those that are being accepted count, and all wait for one counting."""

    async def story() -> None:
        door = bounded(10)
        async with door.client() as client:
            answers = await asyncio.gather(*(hand_in(client) for _ in range(50)))
        assert sorted(each.status_code for each in answers) == [202] * 10 + [503] * 40
        assert door.jobs.counts == 1

    run(story())


def test_a_job_that_is_being_accepted_while_others_are_counted_counts() -> None:
    """Whether the counting saw it or not: rather one too few for a second than one too many."""

    async def story() -> None:
        door = bounded(1)
        accept, written = door.jobs.accept, asyncio.Event()

        async def slowly(new: Any) -> Job:
            await written.wait()
            return await accept(new)

        door.jobs.accept = slowly  # type: ignore[method-assign]
        async with door.client() as client:
            first = asyncio.create_task(hand_in(client))
            await asyncio.sleep(2)
            assert (await hand_in(client)).status_code == 503
            written.set()
            assert (await first).status_code == 202

    run(story())


def test_counting_costs_a_query_a_second() -> None:
    """However many are submitted; and one more read for each that is refused under a key of its own."""

    async def story() -> None:
        door = bounded(5)
        async with door.client() as client:
            assert await statuses(client, 20) == [202] * 5 + [503] * 15
            assert (door.jobs.counts, door.jobs.reads) == (1, 0)
            await asyncio.sleep(1)
            assert await statuses(client, 20) == [503] * 20
            assert (door.jobs.counts, door.jobs.reads) == (2, 0)
            await hand_in(client, "new")
            assert (door.jobs.counts, door.jobs.reads) == (2, 1)
            for _ in range(20):
                await client.post(NOTES, json=NOTE)
            assert door.jobs.counts == 2

    run(story())


def test_what_cannot_be_counted_is_accepted(caplog: pytest.LogCaptureFixture) -> None:
    """The bound is no reason for an outage. It is logged, and tried again a second later."""

    async def story() -> None:
        door = bounded(1)
        async with door.client() as client:
            door.jobs.script.append("before")
            assert await statuses(client, 3) == [202] * 3
            await asyncio.sleep(1)
            assert await statuses(client, 1) == [503]

    with caplog.at_level(logging.WARNING):
        run(story())
    [warning] = [each.getMessage() for each in caplog.records if "counted" in each.getMessage()]
    assert warning.endswith("cannot be counted, and are accepted without a bound: the store is away")


def test_a_counting_that_hangs_holds_nobody_up_for_long() -> None:
    """Two seconds; then it counts as failed."""

    async def story() -> None:
        door = bounded(1)
        door.jobs.unsettled = lambda *_: asyncio.Event().wait()  # type: ignore[assignment, return-value, method-assign]
        async with door.client() as client:
            answers = await asyncio.gather(*(hand_in(client) for _ in range(3)))
        assert [each.status_code for each in answers] == [202] * 3
        assert asyncio.get_running_loop().time() == 2

    run(story())


def test_what_is_past_its_time_takes_up_no_room() -> None:
    """What waits longer than Pub/Sub keeps messages can never go on; a day is the grain."""

    async def story() -> None:
        door = bounded(1, retention_days=7)
        async with door.client() as client:
            for days, expected in ((0, [202, 503]), (7, [503]), (1, [202, 503])):
                door.clock.advance(timedelta(days=days).total_seconds())
                await asyncio.sleep(1)
                assert await statuses(client, len(expected)) == expected

    run(story())


def test_instances_see_one_another_with_the_next_counting() -> None:
    """Until then each fills what room it saw by itself, so together they may accept too many; for a second."""

    async def story() -> None:
        door = bounded(3)
        settings = Settings("memory", firestore_emulator_host="127.0.0.1:1", pubsub_emulator_host="127.0.0.1:1")
        config = gateway_config(max_unsettled_jobs={"manifest.received": 3})
        other = httpx.ASGITransport(GATEWAY.call(Site(config, settings, door.ports)))
        async with door.client() as here, httpx.AsyncClient(transport=other, base_url="http://gateway") as there:
            assert await statuses(here, 2) == [202, 202]
            assert await statuses(there, 2) == [202, 503]
            assert await statuses(here, 2) == [202, 503]
            await asyncio.sleep(1)
            assert await statuses(here, 1) + await statuses(there, 1) == [503, 503]

    run(story())


def test_lines_of_a_batch_are_refused_one_by_one() -> None:
    """With the time after which to send them again; what was accepted is found again."""
    outcomes = run(batch(bounded(3), BATCH, times=2))
    assert [[each["status"] for each in told] for told in outcomes] == [[202] * 3 + [503] * 2] * 2
    assert outcomes[0][3]["problem"]["type"] == "urn:tidegate:problem:backlog-full"
    assert outcomes[0][3]["problem"]["retry_after"] == 5
    assert [each["id"] for each in outcomes[0][:3]] == [each["id"] for each in outcomes[1][:3]]


def test_no_line_overtakes_one_that_there_was_no_room_for() -> None:
    """Of one ordering key; else what is sent again would come after what followed it."""
    [told] = run(batch(bounded(3), BATCH | {"Tidegate-Ordering-Key": "k"}))
    assert [each["status"] for each in told] == [202] * 3 + [503] * 2
    assert told[4]["problem"]["detail"].startswith("not tried, because line 4")


def batch(door: FrontDoor, headers: dict[str, str], times: int = 1) -> Coroutine[Any, Any, list[list[dict[str, Any]]]]:
    """Hand in five manifests as a batch, so many times; returns what is told of their lines each time."""

    async def told() -> list[list[dict[str, Any]]]:
        body = "".join(json.dumps(MANIFEST | {"manifest_id": f"m-{number}"}) + "\n" for number in range(5))
        async with door.client() as client:
            answers = [await client.post(MANIFESTS, content=body, headers=headers) for _ in range(times)]
        return [[json.loads(line) for line in each.text.splitlines()] for each in answers]

    return told()
