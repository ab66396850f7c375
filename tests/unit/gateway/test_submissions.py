"""Handing events in: what is accepted becomes a job and is published, whatever fails in between."""

import json
from collections import deque
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.gateway.front_door import ELSEWHERE, MANIFEST, NOTE, FrontDoor
from tidegate.errors import PublishFailed
from tidegate.events import Event, digest
from tidegate.messages import Message
from tidegate.places import Place
from tidegate.testing import NOON
from tidegate.traces import TraceContext

pytestmark = pytest.mark.anyio

PATH = "/v1/events/note.edited"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def submit(door: FrontDoor, data: Any = NOTE, path: str = PATH, **headers: str) -> Any:
    """Hand an event in; underscores in the headers' names stand for hyphens."""
    async with door.client() as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.post(path, json=data, headers=named)


def published(door: FrontDoor) -> list[Event]:
    """What was published, as its consumers read it."""
    return [
        Event.from_message(Message("m", each.data, each.attributes), topic=each.topic, now=NOON)
        for each in door.publisher.published
    ]


async def test_an_event_becomes_a_job() -> None:
    """The answer says where to follow it; the job is kept and its event published."""
    door = FrontDoor()
    answer = await submit(door)
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == job["location"] == f"/v1/jobs/{job['id']}"
    assert (
        job
        == {
            "id": digest("draw-2", "draw-3")[:32],  # the first names the request's span
            "state": "running",
            "event_id": digest(job["id"])[:32],
            "location": job["location"],
        }
    )
    stored = await door.jobs.jobs.read(job["id"])
    assert stored is not None
    assert (stored.topic, stored.event_id, stored.accepted_at) == ("note.edited", job["event_id"], NOON)
    progress = await door.jobs.progress(job["id"])
    assert (progress.known, progress.settled) == (2, 0)


async def test_what_is_published_is_what_was_handed_in() -> None:
    """The data is not touched; the event names its contract and its place in the job."""
    door = FrontDoor()
    job = (await submit(door)).json()
    [message] = door.publisher.published
    assert json.loads(message.data) == NOTE
    assert message.topic == "note.edited"
    assert Place.read(message.attributes) == Place(job["id"], "root", 0, 2, ("edit_note", "publish_note"))
    [event] = published(door)
    assert (event.id, event.type, event.version, event.source, event.time) == (
        job["event_id"],
        "note.edited",
        1,
        "/functions/gateway",
        NOON,
    )


async def test_options_reach_the_event() -> None:
    """Ordering key, expiry and trace travel with it; the callback is kept with the job."""
    door = FrontDoor()
    answer = await submit(
        door,
        Tidegate_Ordering_Key="EV3267",
        Tidegate_Expires_In="90",
        Tidegate_Callback_Url="https://desk.example/hooks?id=7",
        traceparent=TRACE,
        tracestate="desk=1",
    )
    [event] = published(door)
    assert door.publisher.published[0].key == event.key == "EV3267"
    assert event.expires == NOON + timedelta(seconds=90)
    assert event.extensions["tracestate"] == "desk=1"
    job = await door.jobs.jobs.read(answer.json()["id"])
    assert job is not None
    assert job.callback_url == "https://desk.example/hooks?id=7"


async def test_a_trace_goes_on() -> None:
    """The event comes of the request's own span, which is in the caller's trace."""
    door = FrontDoor()
    await submit(door, traceparent=TRACE)
    trace = TraceContext.parse(published(door)[0].extensions["traceparent"])
    assert trace is not None
    assert (trace.trace_id, trace.sampled) == (TRACE.split("-")[1], True)
    assert trace.span_id not in TRACE


async def test_the_lines_of_a_batch_are_in_one_trace() -> None:
    """Whoever handed them in together finds them together."""
    door = FrontDoor()
    async with door.client() as client:
        body = "\n".join([json.dumps(NOTE)] * 2)
        await client.post(PATH, content=body, headers={"Content-Type": "application/x-ndjson", "traceparent": TRACE})
    assert len({each.extensions["traceparent"] for each in published(door)}) == 1


@pytest.mark.parametrize("parent", ["", "nonsense", TRACE.replace("b7ad6b7169203331", "0" * 16), f"ff{TRACE[2:]}"])
async def test_a_malformed_trace_is_not_carried_on(parent: str) -> None:
    """It refuses nobody, and its state goes with it: the request begins a trace."""
    door = FrontDoor()
    assert (await submit(door, traceparent=parent, tracestate="desk=1")).status_code == 202
    extensions = published(door)[0].extensions
    assert extensions.keys() == {"traceparent"}
    assert TRACE.split("-")[1] not in extensions["traceparent"]


async def test_without_a_key_each_request_is_a_job() -> None:
    """Nothing tells a repetition from a second event of the same data."""
    door = FrontDoor()
    first, second = (await submit(door)).json(), (await submit(door)).json()
    assert first["id"] != second["id"]


async def test_repeating_under_a_key_is_the_same_job() -> None:
    """The same event is published again, also in its times; its consumers know it by its id."""
    door = FrontDoor()
    headers = {"Idempotency_Key": "k-1", "Tidegate_Expires_In": "90"}
    first = await submit(door, **headers)
    door.clock.advance(60)
    second = await submit(door, **headers)
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    one, other = published(door)
    assert one == other


async def test_a_settled_job_is_not_published_again() -> None:
    """The repetition is told how it ended."""
    door = FrontDoor()
    job = await door.job("k-1")
    await door.settle(job)
    answer = await submit(door, MANIFEST, "/v1/events/manifest.received", Idempotency_Key="k-1")
    assert (answer.status_code, answer.json()["state"]) == (202, "succeeded")
    assert len(door.publisher.published) == 1


async def test_a_key_stands_for_its_data() -> None:
    """Other data under it is refused, and nothing is published."""
    door = FrontDoor()
    job = (await submit(door, Idempotency_Key="k-1")).json()
    answer = await submit(door, NOTE | {"text": "Gate 8"}, Idempotency_Key="k-1")
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:tidegate:problem:key-reused"
    assert job["id"] in answer.json()["detail"]
    assert len(door.publisher.published) == 1


async def test_a_key_is_of_one_topic() -> None:
    """The same key for another topic is another job."""
    door = FrontDoor()
    note = (await submit(door, Idempotency_Key="k-1")).json()
    assert await door.job("k-1") != note["id"]


async def test_keys_of_two_callers_do_not_meet() -> None:
    """Whoever uses another's key neither finds that job nor blocks it."""
    door = FrontDoor(emulated=False, access="api_keys")
    ids = set()
    for name in ("ann", "bob"):
        await door.firestore.document(f"api_keys/{digest(name)}").set({"principal": name, "expires_at": None})
        async with door.client(ELSEWHERE, **{"X-API-Key": name, "Idempotency-Key": "k-1"}) as client:
            answer = await client.post(PATH, json=NOTE)
        assert answer.status_code == 202
        ids.add(answer.json()["id"])
    assert len(ids) == 2


CRASHES = {
    "the job is not kept": (["before"], []),
    "the job is kept, and nobody hears of it": (["after"], []),
    "the event is not published": ([], [PublishFailed("away")]),
    "twice the job, once the event": (["before", "after"], [PublishFailed("away")]),
}


@pytest.mark.parametrize(("store", "broker"), CRASHES.values(), ids=CRASHES)
async def test_no_failure_loses_or_doubles_work(store: list[str], broker: list[Exception]) -> None:
    """Each failure is a 503 that says to repeat; repeating ends with one job whose event is out."""
    door = FrontDoor()
    door.jobs.script = deque(store)
    door.publisher.failures = deque(broker)
    for _ in (*store, *broker):
        answer = await submit(door, Idempotency_Key="k-1")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert "same Idempotency-Key" in answer.json()["detail"]
    answer = await submit(door, Idempotency_Key="k-1")
    assert answer.status_code == 202
    assert len({path for path in door.documents.paths() if path.count("/") == 1}) == 1
    assert {each.id for each in published(door)} == {answer.json()["event_id"]}


async def test_an_event_published_without_an_answer_is_published_again() -> None:
    """The second copy has the id of the first."""
    door = FrontDoor()
    publish = door.publisher.publish

    async def lost(messages: Any) -> None:
        await publish(messages)
        raise PublishFailed("the answer was lost")

    door.publisher.publish = lost  # type: ignore[method-assign]
    assert (await submit(door, Idempotency_Key="k-1")).status_code == 503
    door.publisher.publish = publish  # type: ignore[method-assign]
    assert (await submit(door, Idempotency_Key="k-1")).status_code == 202
    one, other = published(door)
    assert one == other


async def test_nothing_is_answered_before_the_event_is_out() -> None:
    """A job alone is no acceptance."""
    door = FrontDoor()
    door.publisher.fail()
    answer = await submit(door)
    assert answer.status_code == 503
    assert "without a key an event may be taken twice" in answer.json()["detail"]


async def test_an_error_of_our_own_is_a_problem_too() -> None:
    """It says nothing of its cause, and goes on to who logs it."""
    door = FrontDoor()
    door.publisher.failures = deque([ZeroDivisionError("secret")])
    answer = await submit(door)
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:tidegate:problem:internal")
    assert "secret" not in answer.text


async def test_what_has_arrived_is_not_published_again() -> None:
    """Once every function has a record of the event, a repetition would only make them repeat what they emitted."""
    door = FrontDoor()
    job = (await submit(door, idempotency_key="k")).json()
    for number, function in enumerate(("edit_note", "publish_note"), start=2):
        assert (await submit(door, idempotency_key="k")).json()["id"] == job["id"]
        assert len(published(door)) == number
        await door.claim(function, job["event_id"])
    assert (await submit(door, idempotency_key="k")).json()["id"] == job["id"]
    assert len(published(door)) == 3
