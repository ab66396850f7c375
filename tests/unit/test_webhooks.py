"""The webhooks function: what is sent of a job, what is logged, and how an event ends. The documentation included."""

import ast
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from contracts.jobs import JobSettled
from tests.docs.markdown import Page
from tests.unit.webhook_receiver import Receiver, say
from tidegate import Reject
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.errors import ConfigurationError
from tidegate_ops.project import Project

pytestmark = pytest.mark.anyio

PROJECT = Project.find(Path(__file__).parent)
HANDLER = PROJECT.load_handler("webhooks")
PARTS = HANDLER.call.__globals__
PAGE = Page.read(PROJECT.root / "docs" / "webhooks.md")
JOB = "0123456789abcdef0123456789abcdef"
SETTLED_AT = datetime(2013, 2, 8, 12, 0, 7, 250_000, tzinfo=UTC)
EXPIRE_AT = SETTLED_AT + timedelta(days=45)
NEW, OLD = "whsec_" + "bmV3" * 8, "whsec_" + "b2xk" * 8
VARIABLES = ("FIRESTORE_EMULATOR_HOST", "TIDEGATE_WEBHOOKS_ALLOW_LOOPBACK", "TIDEGATE_WEBHOOK_SECRETS")
EMULATORS = {"FIRESTORE_EMULATOR_HOST": "localhost:1", "TIDEGATE_WEBHOOKS_ALLOW_LOOPBACK": "1"}


@pytest.fixture
def documents() -> MemoryDocuments:
    return MemoryDocuments()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Starts the function anew in an environment of the test's; on the emulators at first."""

    def start(**variables: str) -> None:
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        PARTS["settings"].cache_clear()
        PARTS["courier"].cache_clear()

    start(**EMULATORS)
    return start


async def store(documents: MemoryDocuments, *, result: str | None = None, failures: int = 0) -> None:
    """A failed job."""
    job = memory_firestore(documents).collection("jobs").document(JOB)
    await job.set({"state": "failed", "settled_at": SETTLED_AT, "result": result, "expire_at": EXPIRE_AT})
    for number in range(failures):
        await job.collection("job_failures").document(f"f{number:03}").set(failure(number) | {"expire_at": EXPIRE_AT})


def failure(number: int) -> dict[str, Any]:
    """One of a job's failures; those with higher numbers came earlier."""
    return {
        "function": "rebook_passengers",
        "event_id": f"e-{number}",
        "event_type": "flight.cancelled",
        "fault": "rejected",
        "reason": "no seats",
        "attempts": 1,
        "at": SETTLED_AT - timedelta(seconds=number),
    }


async def tell(documents: MemoryDocuments, url: str, attempt: int = 1) -> None:
    """Run the handler once."""
    context = SimpleNamespace(
        firestore=memory_firestore(documents), attempt=attempt, idempotency_key=lambda name: f"key-of-{name}"
    )
    await HANDLER.call(JobSettled(job_id=JOB, state="failed", callback_url=url), context)


def logged(documents: MemoryDocuments) -> list[dict[str, Any]]:
    return [dict(each.fields) for each in documents.list(f"jobs/{JOB}/job_callbacks")]


def verified(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """What the documentation gives to receivers."""
    [source] = [fence.text for fence in PAGE.fences("python")]
    names: dict[str, Any] = {}
    exec(compile(ast.parse(source), "webhooks.md", "exec"), names)  # noqa: S102 - our own page
    return bool(names["verified"](secret, headers, body))


async def test_the_receiver_learns_what_became_of_the_job(documents: MemoryDocuments) -> None:
    """Under the names of the front door; failures in the order in which they happened."""
    await store(documents, result='{"seats":2,"name":"zo\\u00eb \\ud800"}', failures=2)
    async with Receiver() as receiver:
        await tell(documents, receiver.url)
    [request] = receiver.requests
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.body) == {
        "type": "job.settled",
        "timestamp": "2013-02-08T12:00:07.250000Z",
        "data": {
            "id": JOB,
            "state": "failed",
            "settled_at": "2013-02-08T12:00:07.250000Z",
            "result": {"seats": 2, "name": "zoë \ud800"},
            "failures": [
                failure(1) | {"at": "2013-02-08T12:00:06.250000Z"},
                failure(0) | {"at": "2013-02-08T12:00:07.250000Z"},
            ],
        },
    }


async def test_the_documented_body_has_the_same_shape(documents: MemoryDocuments) -> None:
    """Every field that is sent is shown, and no other."""
    await store(documents, failures=1)
    async with Receiver() as receiver:
        await tell(documents, receiver.url)
    sent = json.loads(receiver.requests[0].body)
    [shown] = [json.loads(fence.text) for fence in PAGE.fences("json")]
    assert shown["data"]["failures"][0].keys() == sent["data"]["failures"][0].keys()
    assert {**shown, "data": shown["data"].keys()} == {**sent, "data": sent["data"].keys()}


async def test_failures_are_bounded(documents: MemoryDocuments) -> None:
    """A job may have thousands."""
    await store(documents, failures=101)
    async with Receiver() as receiver:
        await tell(documents, receiver.url)
    assert len(json.loads(receiver.requests[0].body)["data"]["failures"]) == 100


async def test_receivers_verify_it_with_any_of_the_secrets(
    documents: MemoryDocuments, environment: Callable[..., None]
) -> None:
    """As the documentation tells them to; a changed body, id or time, or another secret, is no longer signed."""
    environment(**EMULATORS, TIDEGATE_WEBHOOK_SECRETS=f"{NEW}\n{OLD}\n")
    await store(documents)
    async with Receiver() as receiver:
        await tell(documents, receiver.url)
    [request] = receiver.requests
    assert all(verified(secret, request.headers, request.body) for secret in (NEW, OLD))
    assert not verified("whsec_" + "bm9u" * 8, request.headers, request.body)
    assert not verified(NEW, request.headers, request.body + b" ")
    earlier = str(int(request.headers["webhook-timestamp"]) - 1)
    for name, other in (("webhook-id", "other"), ("webhook-timestamp", earlier)):
        assert not verified(NEW, request.headers | {name: other}, request.body)


async def test_attempts_share_an_id_and_a_body(documents: MemoryDocuments) -> None:
    """The receiver knows the second by its id; each is logged as it ended."""
    await store(documents)
    async with Receiver(answer=say(503)) as receiver:
        with pytest.raises(Exception, match="localhost answered 503"):
            await tell(documents, receiver.url)
        receiver.answer = say(200, body="thanks")
        await tell(documents, receiver.url, attempt=2)
    first, second = receiver.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "key-of-webhook"
    logs = logged(documents)
    assert [(each["attempt"], each["status"], each["error"], each["host"]) for each in logs] == [
        (1, 503, "localhost answered 503", "localhost"),
        (2, 200, "", "localhost"),
    ]
    assert all(each["expire_at"] == EXPIRE_AT and each["at"] and each["duration_ms"] >= 0 for each in logs)


async def test_a_redriven_event_keeps_the_log_of_its_first_life(documents: MemoryDocuments) -> None:
    """Its attempts count from 1 again."""
    await store(documents)
    async with Receiver() as receiver:
        for _ in range(2):
            await tell(documents, receiver.url)
    assert [each["attempt"] for each in logged(documents)] == [1, 1]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://metadata.google.internal/", "no public name"),
        ("https://169.254.169.254/", "metadata"),
        ("http://hooks.example.com/", "port 80"),
        ("nonsense", "https://"),
    ],
)
async def test_a_forbidden_receiver_is_dead_lettered_and_logged(
    documents: MemoryDocuments, url: str, reason: str
) -> None:
    """At once, with the reason."""
    await store(documents)
    with pytest.raises(Reject, match=reason):
        await tell(documents, url)
    [log] = logged(documents)
    assert reason in log["error"]
    assert log["status"] is None


async def test_a_job_that_is_forgotten_is_told_to_nobody(documents: MemoryDocuments) -> None:
    """A redrive may come after the job has expired."""
    async with Receiver() as receiver:
        with pytest.raises(Reject, match="not stored any more"):
            await tell(documents, receiver.url)
    assert receiver.connections == 0


@pytest.mark.parametrize("text", ["", " \n"])
async def test_without_a_secret_nothing_is_sent(
    documents: MemoryDocuments, environment: Callable[..., None], text: str
) -> None:
    """That is the operator's fault, not the event's: a retry, which says what to set."""
    environment(TIDEGATE_WEBHOOK_SECRETS=text)
    await store(documents)
    async with Receiver() as receiver:
        with pytest.raises(ConfigurationError, match="TIDEGATE_WEBHOOK_SECRETS is not set"):
            await tell(documents, receiver.url)
    assert receiver.connections == 0


async def test_the_emulators_have_a_secret_that_is_documented(documents: MemoryDocuments) -> None:
    """So that the local stack needs no set-up."""
    secret = PARTS["WebhookSettings"].read.__globals__["LOCAL_SECRET"]
    assert f"`{secret}`" in PAGE.text
    await store(documents)
    async with Receiver() as receiver:
        await tell(documents, receiver.url)
    assert verified(secret, receiver.requests[0].headers, receiver.requests[0].body)


@pytest.mark.parametrize(
    "variables",
    [
        {"TIDEGATE_WEBHOOKS_ALLOW_LOOPBACK": "1"},
        {"FIRESTORE_EMULATOR_HOST": "localhost:1"},
        {"FIRESTORE_EMULATOR_HOST": "localhost:1", "TIDEGATE_WEBHOOKS_ALLOW_LOOPBACK": "0"},
    ],
)
async def test_loopback_takes_both_the_emulators_and_permission(
    documents: MemoryDocuments, environment: Callable[..., None], variables: dict[str, str]
) -> None:
    """In the cloud, loopback is inside."""
    environment(**variables, TIDEGATE_WEBHOOK_SECRETS=NEW)
    await store(documents)
    async with Receiver() as receiver:
        for url in (receiver.url, f"https://127.0.0.1:{receiver.port}/"):
            with pytest.raises(Reject):
                await tell(documents, url)
    assert receiver.connections == 0
