"""Following a job: streamed where that works, polled elsewhere; nothing is missed and nothing told twice."""

import asyncio

import pytest

from tests.acceptance.tcp_proxy import TcpProxy
from tests.unit.client.hand_wound_time import HandWoundTime
from tests.unit.client.scripted_gateway import ScriptedGateway, frame
from tidegate.client import Client, GatewayUnavailable, Job, JobNotFound, JobStatus

pytestmark = pytest.mark.anyio


@pytest.fixture
async def job(client: Client, gateway: ScriptedGateway) -> Job:
    """A job that runs."""
    return client.job(gateway.accept())


def progress(known: int, settled: int) -> dict[str, object]:
    return {"state": "running", "known": known, "settled": settled}


def told(statuses: list[JobStatus]) -> list[tuple[str, int, int]]:
    return [(str(each.state), each.progress.known, each.progress.settled) for each in statuses]


async def test_a_job_is_followed_to_its_end(job: Job, gateway: ScriptedGateway) -> None:
    """Each change is told, the last with the result; the job remembers the latest."""
    statuses = []
    async for status in job.updates():
        statuses.append(status)
        if len(statuses) == 1:
            gateway.change(job.id, progress={"known": 3, "settled": 1})
        elif not status.settled:
            gateway.change(job.id, state="succeeded", progress={"known": 3, "settled": 3}, result=5)
    assert told(statuses)[0] == ("running", 1, 0)
    assert told(statuses)[-1] == ("succeeded", 3, 3)
    assert statuses[0].topic == statuses[-1].topic == "order.placed"
    assert job.latest == statuses[-1]
    assert await job == 5
    assert len(gateway.of("GET", "/events")) == 1


async def test_split_and_joined_chunks_are_read(job: Job, gateway: ScriptedGateway) -> None:
    """Where the network cuts a stream is of no matter."""
    gateway.change(job.id, state="succeeded")
    end = gateway.jobs[job.id]
    gateway.jobs[job.id] = {**end, "state": "running"}
    text = b"retry: 1000\n\n" + frame("progress", progress(3, 1)) + b": still here\n\n" + frame("settled", end)
    gateway.streams += [[text[at : at + 7] for at in range(0, len(text), 7)]]
    assert told([status async for status in job.updates()]) == [
        ("running", 1, 0),
        ("running", 3, 1),
        ("succeeded", 1, 0),
    ]


async def test_a_lost_stream_is_taken_up(job: Job, gateway: ScriptedGateway, time: HandWoundTime) -> None:
    """The gateway is told what was seen last; what it says again is not told twice."""
    gateway.change(job.id, state="succeeded")
    end = gateway.jobs[job.id]
    gateway.jobs[job.id] = {**end, "state": "running"}
    gateway.streams += [
        [frame("progress", progress(3, 1), "one"), frame("progress", progress(3, 2), "two")[:-5]],
        [frame("progress", progress(3, 1), "one"), frame("progress", progress(3, 2), "two")],
        [b": still here\n\n"],
        [frame("settled", end, "three")],
    ]
    statuses = [status async for status in job.updates()]
    assert told(statuses) == [("running", 1, 0), ("running", 3, 1), ("running", 3, 2), ("succeeded", 1, 0)]
    seen = [each.headers.get("last-event-id") for each in gateway.of("GET", "/events")]
    assert seen == [None, "one", "two", "two"]
    assert len(time.pauses) == 3


async def test_without_streams_it_polls(job: Job, gateway: ScriptedGateway) -> None:
    """Where there is no stream, long polling brings every change that lasts."""
    gateway.streaming = False
    statuses = []
    async for status in job.updates():
        statuses.append(status)
        if len(statuses) == 1:
            gateway.change(job.id, progress={"known": 3, "settled": 1})
        else:
            gateway.change(job.id, state="succeeded", progress={"known": 3, "settled": 3})
    assert told(statuses) == [("running", 1, 0), ("running", 3, 1), ("succeeded", 3, 3)]
    assert "if-none-match" in gateway.requests[-1].headers


async def test_mute_streams_are_given_up(job: Job, gateway: ScriptedGateway) -> None:
    """Something that lets streams through without their content does not hold up the news for ever."""
    gateway.streams += [[], [b"event: prog"]]
    gateway.patient = False
    statuses = []
    async for status in job.updates():
        statuses.append(status)
        gateway.change(job.id, state="succeeded")
    assert told(statuses) == [("running", 1, 0), ("succeeded", 1, 0)]
    assert len(gateway.of("GET", "/events")) == 2


async def test_nonsense_in_a_stream_is_no_news(job: Job, gateway: ScriptedGateway) -> None:
    """What cannot be read counts as a broken stream."""
    gateway.streams += [[b"event: progress\ndata: {}\n\n"], [b"event: settled\ndata: nonsense\n\n"]]
    gateway.patient = False
    statuses = []
    async for status in job.updates():
        statuses.append(status)
        gateway.change(job.id, state="succeeded")
    assert told(statuses) == [("running", 1, 0), ("succeeded", 1, 0)]


async def test_a_settled_job_is_told_once(job: Job, gateway: ScriptedGateway) -> None:
    """There is nothing to follow any more."""
    gateway.change(job.id, state="failed")
    assert told([status async for status in job.updates()]) == [("failed", 1, 0)]
    assert len(gateway.requests) == 1


async def test_an_unknown_job_cannot_be_followed(client: Client) -> None:
    """It is said at once."""
    with pytest.raises(JobNotFound):
        await anext(client.job("0" * 32).updates())


async def test_following_outlives_a_restart(
    job: Job, gateway: ScriptedGateway, network: TcpProxy, time: HandWoundTime
) -> None:
    """The stream is cut, nobody listens for a while, and the stream goes on."""
    target = network.target
    updates = job.updates()
    await anext(updates)
    following = asyncio.ensure_future(anext(updates))
    await gateway.until(lambda: len(gateway.of("GET", "/events")) == 1)
    network.target = ""
    time.meanwhile += [lambda: None, lambda: setattr(network, "target", target)]
    network.cut()
    await gateway.until(lambda: len(gateway.of("GET", "/events")) == 2)
    gateway.change(job.id, state="succeeded")
    assert (await following).settled
    assert [status async for status in updates] == []


async def test_following_ends_with_the_patience(job: Job, gateway: ScriptedGateway, network: TcpProxy) -> None:
    """A gateway that stays away is an error in the end."""
    updates = job.updates()
    await anext(updates)
    network.target = ""
    network.cut()
    with pytest.raises(GatewayUnavailable, match="gave up after"):
        await anext(updates)


async def test_one_may_stop_following(job: Job, gateway: ScriptedGateway) -> None:
    """Leaving the loop lets go of the connection and of nothing else."""
    updates = job.updates()
    async for _ in updates:
        break
    await updates.aclose()
    gateway.change(job.id, state="succeeded", result=1)
    assert await job == 1


async def test_many_streams_are_too_many(client: Client, gateway: ScriptedGateway) -> None:
    """Beyond a number of streams, jobs are polled instead."""
    jobs = [client.job(gateway.accept()) for _ in range(40)]

    async def follow(job: Job) -> JobStatus:
        return [status async for status in job.updates()][-1]

    following = [asyncio.ensure_future(follow(job)) for job in jobs]
    await gateway.until(lambda: len([each for each in gateway.requests if "prefer" in each.headers]) == 8)
    for job in jobs:
        gateway.change(job.id, state="succeeded")
    assert all(status.settled for status in await asyncio.gather(*following))
    assert len(gateway.of("GET", "/events")) == 32
