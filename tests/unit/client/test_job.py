"""A job can be awaited, had as a future, and can call back; whatever becomes of the gateway meanwhile."""

import asyncio
import logging

import pytest
from pytest_mock import MockerFixture

from tests.acceptance.tcp_proxy import TcpProxy
from tests.unit.client.hand_wound_time import HandWoundTime
from tests.unit.client.scripted_gateway import ScriptedGateway, fails, says
from tidegate.client import Client, GatewayUnavailable, Job, JobCancelled, JobFailed, JobNotFound
from tidegate.client.errors import RequestRefused
from tidegate.jobs import JobState

pytestmark = pytest.mark.anyio

FAILURE = {
    "function": "pack_order",
    "event_id": "e-1",
    "event_type": "order.placed",
    "fault": "of a later kind",
    "reason": "no boxes left",
    "attempts": 3,
    "at": "2013-02-08T15:00:08Z",
}


@pytest.fixture
async def job(client: Client, gateway: ScriptedGateway) -> Job:
    """A job that runs."""
    return client.job(gateway.accept())


async def test_awaiting_gives_the_result(job: Job, gateway: ScriptedGateway) -> None:
    """It waits until the job has settled; after that, nobody is asked any more."""
    gateway.change(job.id, state="succeeded", result={"boxes": 2})
    assert await job == {"boxes": 2}
    assert await job == {"boxes": 2}
    assert len(gateway.requests) == 1
    assert gateway.requests[0].headers["prefer"] == "wait=20"


async def test_many_may_await_one_job(job: Job, gateway: ScriptedGateway) -> None:
    """All who wait share one watch, and one who stops waiting ends it for nobody else."""
    waiting = [asyncio.ensure_future(_result(job)) for _ in range(3)]
    await gateway.until(lambda: len(gateway.requests) == 1)
    waiting[0].cancel()
    gateway.change(job.id, state="succeeded", result=7)
    assert await asyncio.gather(*waiting[1:]) == [7, 7]
    assert waiting[0].cancelled()
    assert len(gateway.requests) == 1


async def test_a_failed_job_raises(job: Job, gateway: ScriptedGateway) -> None:
    """The error holds what was given up and the job as it ended; each who awaits gets one."""
    gateway.change(job.id, state="failed", failures=[FAILURE])
    for _ in range(2):
        with pytest.raises(JobFailed, match=r"pack_order: no boxes left \(of a later kind\)") as caught:
            await job
    assert caught.value.failures[0].attempts == 3
    assert caught.value.job.state is JobState.FAILED


async def test_many_failures_are_counted(job: Job, gateway: ScriptedGateway) -> None:
    """The message stays short; the attribute has all."""
    gateway.change(job.id, state="failed", failures=[FAILURE] * 5)
    with pytest.raises(JobFailed, match="and 2 more") as caught:
        await job
    assert len(caught.value.failures) == 5


async def test_a_cancelled_job_raises(job: Job, gateway: ScriptedGateway) -> None:
    """Who waits for a job that somebody cancels is told so."""
    gateway.change(job.id, state="cancelled")
    with pytest.raises(JobCancelled, match=job.id):
        await job


async def test_an_unknown_job_raises(client: Client) -> None:
    """A job that the gateway does not know is never waited for; odd ids break no address."""
    with pytest.raises(JobNotFound, match="There is no such job") as caught:
        await client.job("no such job?")
    assert caught.value.problem.status == 404


async def test_a_refused_look_raises(job: Job, gateway: ScriptedGateway) -> None:
    """Who may not see the job is told so at once."""
    gateway.failing_reads += [fails(403, title="This caller may not do this")]
    with pytest.raises(RequestRefused, match="may not do this"):
        await job.status()


async def test_waiting_outlives_a_restart(
    job: Job, gateway: ScriptedGateway, network: TcpProxy, time: HandWoundTime
) -> None:
    """The connection is lost in the middle, then nobody listens, then the gateway is back, and overloaded."""
    target = network.target
    waiting = asyncio.ensure_future(_result(job))
    await gateway.until(lambda: len(gateway.requests) == 1)
    network.target = ""
    gateway.failing_reads += [fails(503, retry_after="2")]
    time.meanwhile += [lambda: None, lambda: setattr(network, "target", target)]
    network.cut()
    await gateway.until(lambda: len(gateway.requests) == 3)
    gateway.change(job.id, state="succeeded", result="done")
    assert await waiting == "done"
    assert len(time.pauses) == 3


async def test_awaiting_again_goes_on(job: Job, gateway: ScriptedGateway, network: TcpProxy) -> None:
    """After the patience is over there is an error; awaiting the same job again takes it up."""
    target, network.target = network.target, ""
    with pytest.raises(GatewayUnavailable, match="gave up after"):
        await job
    network.target = target
    gateway.change(job.id, state="succeeded")
    assert await job is None


async def test_an_impatient_gateway_is_not_flooded(job: Job, gateway: ScriptedGateway, time: HandWoundTime) -> None:
    """Where the gateway answers at once instead of waiting, the client waits by itself."""
    gateway.patient = False
    time.meanwhile += [lambda: None, lambda: gateway.change(job.id, state="succeeded", result=1)]
    assert await job == 1
    assert time.pauses == [1, 1]


async def test_a_future_is_for_threads(job: Job, gateway: ScriptedGateway) -> None:
    """Any thread may wait for it."""
    future = job.future()
    gateway.change(job.id, state="succeeded", result=[1])
    assert await asyncio.to_thread(future.result, 10) == [1]


async def test_a_future_holds_the_error(job: Job, gateway: ScriptedGateway) -> None:
    """What awaiting raises, the future raises."""
    gateway.change(job.id, state="failed", failures=[FAILURE])
    assert isinstance(await asyncio.to_thread(job.future().exception, 10), JobFailed)


async def test_cancelling_a_future_ends_nothing_else(job: Job, gateway: ScriptedGateway) -> None:
    """Who gives the future up only stops waiting."""
    job.future().cancel()
    gateway.change(job.id, state="succeeded", result=1)
    assert await job == 1


async def test_it_calls_back_once(job: Job, gateway: ScriptedGateway) -> None:
    """Each callback is called with the job, in the loop; a failing one is logged and keeps nobody else."""
    called: list[Job] = []
    done = asyncio.Event()
    job.add_done_callback(called.append)
    job.add_done_callback(lambda job: done.set())
    await gateway.until(lambda: len(gateway.requests) == 1)
    assert called == []
    gateway.change(job.id, state="succeeded", result=1)
    await asyncio.wait_for(done.wait(), 10)
    assert called == [job]
    assert job.latest
    assert job.latest.result == 1


async def test_a_failing_callback_is_logged(
    job: Job, gateway: ScriptedGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody else can hear of it."""
    done = asyncio.Event()

    def fail(job: Job) -> None:
        done.set()
        raise RuntimeError("out of paper")

    gateway.change(job.id, state="succeeded")
    with caplog.at_level(logging.ERROR, logger="tidegate.client"):
        job.add_done_callback(fail)
        await asyncio.wait_for(done.wait(), 10)
    assert "out of paper" in caplog.text


async def test_a_callback_is_more_patient(
    job: Job, gateway: ScriptedGateway, network: TcpProxy, time: HandWoundTime, caplog: pytest.LogCaptureFixture
) -> None:
    """It outlives an absence of the gateway that would end an `await`, with a warning."""
    target, network.target = network.target, ""
    gateway.change(job.id, state="succeeded")
    done = asyncio.Event()

    def look() -> None:
        if sum(time.pauses) > 100:
            network.target = target

    time.meanwhile.extend([look] * 99)
    job.add_done_callback(lambda job: done.set())
    await asyncio.wait_for(done.wait(), 10)
    assert "still waiting" in caplog.text


async def test_a_callback_for_no_job_is_given_up(client: Client, mocker: MockerFixture) -> None:
    """There is nothing to wait for, and the log says so."""
    logged = asyncio.Event()
    mocker.patch.object(logging.getLogger("tidegate.client"), "error", side_effect=lambda *words: logged.set())
    client.job("0" * 32).add_done_callback(print)
    await asyncio.wait_for(logged.wait(), 10)


async def test_the_status_is_of_now(job: Job, gateway: ScriptedGateway) -> None:
    """It does not wait."""
    gateway.change(job.id, progress={"known": 7, "settled": 3}, later_member="ignored")
    status = await job.status()
    assert (status.state, status.progress.known, status.progress.settled) == (JobState.RUNNING, 7, 3)
    assert status.accepted_at
    assert "prefer" not in gateway.requests[0].headers


async def test_cancelling_tells_how_it_stands(job: Job, gateway: ScriptedGateway) -> None:
    """A running job is asked to end; one that has settled stays as it is."""
    assert (await job.cancel()).cancel_requested_at
    gateway.change(job.id, state="succeeded")
    assert (await job.cancel()).state is JobState.SUCCEEDED


async def test_many_jobs_take_turns(client: Client, gateway: ScriptedGateway) -> None:
    """However many are awaited, a bounded number of requests wait at the gateway, for less long; others get through."""
    jobs = [client.job(gateway.accept()) for _ in range(90)]
    waiting = [asyncio.ensure_future(_result(job)) for job in jobs]
    await gateway.until(lambda: len(gateway.requests) == 64)
    assert (await jobs[-1].status()).state is JobState.RUNNING
    gateway.change(jobs[0].id, state="succeeded", result=jobs[0].id)
    await gateway.until(lambda: len(gateway.requests) == 66)
    for job in jobs[1:]:
        gateway.change(job.id, state="succeeded", result=job.id)
    assert await asyncio.gather(*waiting) == [job.id for job in jobs]
    assert gateway.most_waiting <= 64
    assert int(gateway.requests[65].headers["prefer"].removeprefix("wait=")) < 20


async def test_results_may_be_any_json(job: Job, gateway: ScriptedGateway) -> None:
    """Half a character, which JSON can escape and UTF-8 cannot carry, breaks no waiting."""
    gateway.change(job.id, state="succeeded", result="\ud83d")
    assert await job == "\ud83d"


async def test_nonsense_is_no_job(job: Job, gateway: ScriptedGateway) -> None:
    """Something else at the gateway's address is recognised."""
    gateway.failing_reads += [says("<h1>Welcome</h1>"), says("{}")]
    for _ in range(2):
        with pytest.raises(GatewayUnavailable, match="does not answer as a gateway does"):
            await job.status()


async def test_leaving_the_client_ends_all_waiting(url: str, gateway: ScriptedGateway) -> None:
    """Nothing of a client goes on after it is closed."""
    before = asyncio.all_tasks()
    async with Client(url) as client:
        job = client.job(gateway.accept())
        job.add_done_callback(print)
        await gateway.until(lambda: len(gateway.requests) == 1)
    assert asyncio.all_tasks() <= before


async def _result(job: Job) -> object:
    return await job
