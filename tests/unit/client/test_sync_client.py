"""The blocking client is the same client, for threads."""

import threading
from collections import deque
from concurrent.futures import CancelledError

import pytest

from tests.unit.client.orders import OrderPlaced
from tests.unit.client.scripted_gateway import ScriptedGateway, fails
from tidegate.client import JobFailed, SubmissionRefused, SyncClient
from tidegate.errors import ConfigurationError


def test_a_script_waits_for_a_result(url: str, gateway: ScriptedGateway) -> None:
    """Submit, wait, and have the value; by result or future, from this thread or another."""
    with SyncClient(url, api_key="secret") as client:
        job = client.submit(OrderPlaced(order=1), idempotency_key="order-1")
        threading.Thread(target=gateway.change, args=(job.id,), kwargs={"state": "succeeded", "result": 3}).start()
        assert job.result(timeout=10) == 3
        assert client.job(job.id).future().result(10) == 3
        assert job.status().settled
    assert gateway.requests[0].headers["x-api-key"] == "secret"
    assert gateway.requests[0].headers["idempotency-key"] == "order-1"


def test_threads_and_futures_wait_as_they_are_told(url: str, gateway: ScriptedGateway) -> None:
    """What the gateway does not take now is tried again; who waits for it may be told why."""
    gateway.script += [fails(429, detail="too fast", retry_after="1"), fails(503, detail="too much", retry_after="0")]
    gateway.failing_reads += [fails(503, detail="away", retry_after="1")]
    waits: list[tuple[str, float]] = []
    with SyncClient(url, on_wait=lambda reason, seconds: waits.append((str(reason), seconds))) as client:
        job = client.submit(OrderPlaced(order=1))
        gateway.change(job.id, state="succeeded", result=3)
        assert job.future().result(10) == 3
    assert [reason.rpartition(": ")[2] for reason, _ in waits] == ["too fast", "too much", "away"]
    assert [seconds >= least for (_, seconds), least in zip(waits, (1, 0, 1), strict=True)] == [True] * 3
    assert max(seconds for _, seconds in waits) <= 1.5


def test_waiting_may_end_early(url: str, gateway: ScriptedGateway) -> None:
    """A timeout ends the waiting, not the job, which can still be cancelled."""
    with SyncClient(url) as client:
        job = client.submit(topic="order.placed", data={"order": 1})
        with pytest.raises(TimeoutError):
            job.result(timeout=0)
        assert job.cancel().cancel_requested_at
        gateway.change(job.id, state="failed")
        with pytest.raises(JobFailed):
            job.result()


def test_updates_are_an_iterator(url: str, gateway: ScriptedGateway) -> None:
    """Following a job is a plain loop, which may be left."""
    with SyncClient(url) as client:
        job = client.submit(OrderPlaced(order=1))
        for _ in job.updates():
            break
        states = []
        for status in job.updates():
            states.append(str(status.state))
            gateway.change(job.id, state="succeeded")
        assert states == ["running", "succeeded"]


def test_many_events_are_an_iterator(url: str, gateway: ScriptedGateway) -> None:
    """The outcomes hold jobs of the same kind."""
    gateway.line_answers = {b'{"order":2}': deque([422])}
    with SyncClient(url) as client:
        good, bad = client.submit_many([OrderPlaced(order=1), OrderPlaced(order=2)])
        assert good.job
        gateway.change(good.job.id, state="succeeded", result=1)
        assert good.job.result(10) == 1
        assert isinstance(bad.refusal, SubmissionRefused)


def test_it_describes_itself_as_the_client_does() -> None:
    """Help and documentation are the asynchronous client's own."""
    assert "idempotency_key" in (SyncClient.submit.__doc__ or "")
    assert "SubmissionRefused" in (SyncClient.submit_many.__doc__ or "")


def test_leaving_ends_all_waiting(url: str, gateway: ScriptedGateway) -> None:
    """A future that nobody can fulfil any more is cancelled; nobody waits for ever."""
    with SyncClient(url) as client:
        future = client.submit(OrderPlaced(order=1)).future()
        gateway.wait_until(lambda: bool(gateway.of("GET")))
    with pytest.raises(CancelledError):
        future.result(10)


def test_its_thread_ends_with_it(url: str) -> None:
    """Outside of `with` nothing runs, and nothing can be asked."""
    with SyncClient(url) as client:
        assert any(thread.name == "tidegate-client" for thread in threading.enumerate())
    assert not any(thread.name == "tidegate-client" for thread in threading.enumerate())
    with pytest.raises(ConfigurationError, match="with SyncClient"):
        client.submit(OrderPlaced(order=1))
