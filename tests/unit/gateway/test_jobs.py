"""Following jobs: what is shown, what is not sent twice, how long one may wait, and how one asks for an end."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.unit.gateway.front_door import ELSEWHERE, FrontDoor, listening
from tidegate.events import digest
from tidegate.testing import NOON
from tidegate.testing.virtual_loop import run

NOBODYS = "0" * 32


async def get(door: FrontDoor, job: str, **headers: str) -> Any:
    """Read a job; underscores in the headers' names stand for hyphens."""
    async with door.client() as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.get(f"/v1/jobs/{job}", headers=named)


@pytest.mark.anyio
async def test_a_job_is_shown() -> None:
    """With its progress, and nothing of who submitted it."""
    door = FrontDoor()
    job = await door.job()
    await door.advance(job, settled=3, units=21)
    answer = await get(door, job)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.json() == {
        "id": job,
        "state": "running",
        "topic": "manifest.received",
        "event_id": digest(job)[:32],
        "accepted_at": "2013-02-08T12:00:00.000000Z",
        "settled_at": None,
        "cancel_requested_at": None,
        "progress": {"known": 21, "settled": 3},
        "result": None,
        "failures": [],
    }


@pytest.mark.anyio
async def test_a_failed_job_says_what_failed() -> None:
    """Each unit that was given up, with the reason."""
    door = FrontDoor()
    job = await door.job()
    await door.settle(job, "failed", result='{"rows": 20, "first": "\\ud83d"}')
    failure = {
        "function": "assess_flight",
        "event_id": "e-7",
        "event_type": "flight.reported",
        "fault": "rejected",
        "reason": "no such airline: 'X!'",
        "attempts": 1,
    }
    await door.firestore.document(f"jobs/{job}/job_failures/f-1").set({**failure, "at": NOON, "expire_at": NOON})
    shown = (await get(door, job)).json()
    assert (shown["state"], shown["settled_at"]) == ("failed", "2013-02-08T12:00:00.000000Z")
    assert shown["result"] == {"rows": 20, "first": "\ud83d"}
    assert shown["failures"] == [{**failure, "at": "2013-02-08T12:00:00.000000Z"}]


@pytest.mark.anyio
@pytest.mark.parametrize("job", [NOBODYS, "x", "A" * 32, "__x__", "..", "%2F", "a%2Fb", "é", "%00"])
@pytest.mark.parametrize(("method", "below"), [("GET", ""), ("DELETE", ""), ("GET", "/events")])
async def test_a_job_that_is_not_there_is_a_problem(method: str, below: str, job: str) -> None:
    """Whatever its name looks like."""
    async with FrontDoor().client() as client:
        answer = await client.request(method, f"/v1/jobs/{job}{below}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.anyio
async def test_a_job_is_its_principals_own() -> None:
    """To everybody else it is not there: neither to be seen, nor followed, nor cancelled."""
    door = FrontDoor(emulated=False, access="api_keys")
    for name in ("ann", "bob"):
        await door.firestore.document(f"api_keys/{digest(name)}").set({"principal": name, "expires_at": None})
    job = await door.job(**{"X-API-Key": "ann"})
    paths = [("GET", f"/v1/jobs/{job}"), ("GET", f"/v1/jobs/{job}/events"), ("DELETE", f"/v1/jobs/{job}")]
    async with door.client(ELSEWHERE, **{"X-API-Key": "bob"}) as client:
        theirs = [await client.request(*each) for each in paths]
        nobodys = await client.get(f"/v1/jobs/{NOBODYS}")
    assert {each.status_code for each in theirs} == {404}
    assert theirs[0].text.replace(job, NOBODYS) == nobodys.text
    async with door.client(ELSEWHERE, **{"X-API-Key": "ann"}) as client:
        assert (await client.get(f"/v1/jobs/{job}")).status_code == 200


@pytest.mark.anyio
async def test_an_unchanged_job_is_not_sent_again() -> None:
    """Its entity tag is strong, the same at every instance, and another once anything changed."""
    door = FrontDoor()
    job = await door.job()
    tag = (await get(door, job)).headers["etag"]
    assert tag.startswith('"')
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = await get(door, job, If_None_Match=known)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    await door.advance(job, settled=1, units=2)
    answer = await get(door, job, If_None_Match=tag)
    assert answer.status_code == 200
    assert answer.headers["etag"] != tag


@pytest.mark.anyio
async def test_an_end_is_asked_for() -> None:
    """The job is shown with the request in it; asking again changes nothing."""
    door = FrontDoor()
    job = await door.job()
    async with door.client() as client:
        first, second = [await client.delete(f"/v1/jobs/{job}") for _ in range(2)]
    assert (first.status_code, first.json()["state"]) == (202, "running")
    assert first.json()["cancel_requested_at"] is not None
    assert second.json() == first.json() == (await get(door, job)).json()


@pytest.mark.anyio
async def test_what_has_settled_cannot_be_cancelled() -> None:
    """It is shown as it is."""
    door = FrontDoor()
    job = await door.job()
    await door.settle(job)
    async with door.client() as client:
        answer = await client.delete(f"/v1/jobs/{job}")
    assert (answer.status_code, answer.json()["state"], answer.json()["cancel_requested_at"]) == (
        200,
        "succeeded",
        None,
    )


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_an_unavailable_store_is_a_problem(method: str) -> None:
    """To be tried again."""
    door = FrontDoor()
    job = await door.job()
    door.jobs.script.append("before")
    async with door.client() as client:
        answer = await client.request(method, f"/v1/jobs/{job}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def waited(door: FrontDoor, change: Coroutine[Any, Any, None] | None, at: float, **headers: str) -> tuple[Any, float]:
    """(What a waiting request is answered, after how many seconds); ``change`` happens meanwhile."""

    async def story() -> tuple[Any, float]:
        loop = asyncio.get_running_loop()
        job = await door.job()

        async def later() -> None:
            await asyncio.sleep(at)
            if change:
                await change

        meanwhile = asyncio.ensure_future(later())
        begun = loop.time()
        answer = await get(door, job, **headers)
        elapsed = loop.time() - begun
        meanwhile.cancel()
        return answer, elapsed

    return run(story())


def known_job() -> str:
    """The id of the job that `FrontDoor.job` makes."""
    return digest("", "manifest.received", "k-1")[:32]


def test_waiting_ends_when_the_job_has_settled() -> None:
    """Soon after, since the job is looked at again and again."""
    door = FrontDoor()
    answer, elapsed = waited(door, door.settle(known_job()), at=10, Prefer="wait=30")
    assert (answer.json()["state"], answer.headers["preference-applied"]) == ("succeeded", "wait=30")
    assert 10 <= elapsed <= 13


def test_progress_alone_ends_no_plain_waiting() -> None:
    """Whoever waits without a condition waits for the end; in vain, the job as it is is the answer."""
    door = FrontDoor()
    answer, elapsed = waited(door, door.advance(known_job(), 1, 2), at=10, Prefer="wait=30")
    assert answer.json()["progress"] == {"known": 2, "settled": 1}
    assert elapsed == pytest.approx(30)


@pytest.mark.parametrize(("change", "status"), [(True, 200), (False, 304)])
def test_waiting_for_any_news(change: bool, status: int) -> None:
    """With If-None-Match, any other text of the job ends it; in vain, the answer is 304."""
    door = FrontDoor()
    tag = run(_tag(FrontDoor()))
    news = door.advance(known_job(), 1, 2) if change else None
    answer, elapsed = waited(door, news, at=10, Prefer="wait=30", If_None_Match=tag)
    assert answer.status_code == status
    assert elapsed <= 13 if change else elapsed == pytest.approx(30)


async def _tag(door: FrontDoor) -> str:
    return str((await get(door, await door.job())).headers["etag"])


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=100", "wait=55"),
        ("respond-async, wait=10", "wait=10"),
        ('Wait = "7"; strict', "wait=7"),
        ("wait=0", "wait=0"),
        ("wait=999999999", "wait=55"),
        ("wait=ever", None),
        ("handling=lenient", None),
    ],
)
def test_the_preference_is_bounded(prefer: str, applied: str | None) -> None:
    """By 60 seconds, and by the time that the function has for a request; what makes no sense is ignored."""
    answer, elapsed = waited(FrontDoor(), None, at=0, Prefer=prefer)
    assert answer.headers.get("preference-applied") == applied
    assert elapsed == pytest.approx(float(applied.partition("=")[2]) if applied else 0)


def test_a_settled_job_keeps_nobody_waiting() -> None:
    """Nothing will change any more."""

    async def story() -> None:
        loop = asyncio.get_running_loop()
        door = FrontDoor()
        job = await door.job()
        await door.settle(job)
        tag = (await get(door, job, Prefer="wait=30")).headers["etag"]
        assert (await get(door, job, Prefer="wait=30", If_None_Match=tag)).status_code == 304
        assert loop.time() == 0

    run(story())


def test_a_store_that_is_away_for_a_while_interrupts_no_waiting() -> None:
    """The next reading will do."""

    async def story() -> None:
        door = FrontDoor()
        job = await door.job()
        door.jobs.script.extend(["", *["before"] * 10])
        asyncio.get_running_loop().call_later(20, lambda: asyncio.ensure_future(door.settle(job)))
        answer = await get(door, job, Prefer="wait=50")
        assert (answer.status_code, answer.json()["state"]) == (200, "succeeded")

    run(story())


def test_waiting_ends_with_the_client() -> None:
    """Nothing is read any more once it has left."""

    async def story() -> None:
        door = FrontDoor()
        job = await door.job()
        async with listening(door, f"/v1/jobs/{job}", Prefer="wait=50") as client:
            await asyncio.sleep(5)
            client.left.set()
            await client.ended.wait()
            assert asyncio.get_running_loop().time() == pytest.approx(5)
        reads = door.jobs.reads
        await asyncio.sleep(50)
        assert door.jobs.reads == reads

    run(story())
