"""A stack in numbers: what its functions' lines and its messages add up to."""

import json
from dataclasses import replace

import httpx
import pytest
from starlette.applications import Starlette

from tests.unit.test_logs import REPORT, SETTINGS
from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.breakers import Circuit, Phase
from tidegate.errors import StoreUnavailable
from tidegate.logs import delivery_line
from tidegate.messages import TARGET, Message
from tidegate.ports import StoredCircuit
from tidegate.reports import Report
from tidegate.testing import World
from tidegate.topology import Topology
from tidegate.verdicts import Verdict
from tidegate_ops.console.numbers import number_routes
from tidegate_ops.console.stack_metrics import StackMetrics
from tidegate_ops.insight.breakers import phases

TOPOLOGY = Topology.model_validate(
    {
        "application": "sample",
        "topics": {"order.placed": {}, "order.packed": {}},
        "functions": {
            "pack": {"topic": "order.placed", "dependencies": ["scales"]},
            "count": {"topic": "order.placed"},
        },
        "dependencies": {"scales": {"url": "http://scales"}, "printer": {"url": "http://printer", "breaker": None}},
    }
)


def line(report: Report) -> str:
    return json.dumps(delivery_line(report, SETTINGS))


def samples(metrics: StackMetrics) -> dict[str, str]:
    """The page's samples by what they are of."""
    page = metrics.page({"scales": Phase.OPEN}).splitlines()
    return dict(each.rsplit(" ", 1) for each in page if not each.startswith("#"))


def test_deliveries() -> None:
    """They are counted by function and verdict; time is taken of those that ran."""
    metrics = StackMetrics(TOPOLOGY)
    metrics.note(line(replace(REPORT, latency_seconds=0.2)))
    metrics.note(line(replace(REPORT, verdict=Verdict.DUPLICATE, emitted=0)))
    metrics.note(line(replace(REPORT, verdict=Verdict.BUSY, attempt=0, emitted=0)))
    found = samples(metrics)
    assert [found[f'tidegate_deliveries_total{{function="pack",verdict="{each}"}}'] for each in ("done", "busy")] == [
        "1",
        "1",
    ]
    assert found['tidegate_deliveries_total{function="pack",verdict="duplicate"}'] == "1"
    assert found['tidegate_delivery_duration_seconds_count{function="pack"}'] == "1"
    assert found['tidegate_publish_to_done_seconds_bucket{function="pack",le="0.25"}'] == "1"
    assert found['tidegate_publish_to_done_seconds_bucket{function="pack",le="0.1"}'] == "0"
    assert found['tidegate_attempts_bucket{function="pack",le="1"}'] == "0"
    assert found['tidegate_attempts_bucket{function="pack",le="2"}'] == "1"
    assert found['tidegate_emitted_events_total{function="pack"}'] == "3"


def test_a_sampled_line_stands_for_several() -> None:
    """Its weight is what it counts for."""
    metrics = StackMetrics(TOPOLOGY)
    metrics.note(json.dumps({**delivery_line(REPORT, SETTINGS), "weight": 4}))
    found = samples(metrics)
    assert found['tidegate_deliveries_total{function="pack",verdict="done"}'] == "4"
    assert found['tidegate_delivery_duration_seconds_count{function="pack"}'] == "4"


@pytest.mark.parametrize("said", ["", "hello", '{"message": "x"}', '{"message": "x", "action": "delivery"}', "{"])
def test_other_lines_count_nothing(said: str) -> None:
    """Whatever a handler prints."""
    metrics = StackMetrics(TOPOLOGY)
    metrics.note(said)
    assert not any(name.startswith("tidegate_deliveries_total") for name in samples(metrics))


@pytest.mark.parametrize("acked_first", [False, True])
def test_the_backlog(acked_first: bool) -> None:
    """It is what was published to a function and is not over; what is told twice or too early changes nothing."""
    metrics = StackMetrics(TOPOLOGY)
    messages = [Message(f"m-{number}", b"") for number in range(3)]
    told = [lambda each=each: metrics.note_published("order.placed", each) for each in messages]
    told.insert(0 if acked_first else 3, lambda: metrics.note(line(replace(REPORT, message_id="m-1"))))
    for each in [*told, *told]:
        each()
    metrics.note(line(replace(REPORT, message_id="m-2", verdict=Verdict.RETRY)))
    metrics.note_published("order.placed", Message("m-9", b"", {TARGET: "count"}))
    found = samples(metrics)
    assert [found[f'tidegate_backlog_messages{{function="{each}"}}'] for each in ("pack", "count")] == ["2", "4"]


def test_breakers() -> None:
    """Each state has a number, and one of them is 1."""
    found = samples(StackMetrics(TOPOLOGY))
    states = {each: found[f'tidegate_breaker_state{{dependency="scales",state="{each}"}}'] for each in Phase}
    assert states == {Phase.CLOSED: "0", Phase.OPEN: "1", Phase.HALF_OPEN: "0"}


@pytest.mark.anyio
async def test_the_state_of_a_breaker_is_read() -> None:
    """As the functions share it, whatever the clocks say; what nobody knows is not shown."""
    circuits = FirestoreCircuits(World().firestore)
    assert await phases(TOPOLOGY, circuits) == {"scales": Phase.CLOSED}
    await circuits.write("scales", Circuit(1, 60, None, "it fails"), None)
    assert await phases(TOPOLOGY, circuits) == {"scales": Phase.OPEN}

    class Away(FirestoreCircuits):
        async def read(self, dependency: str) -> StoredCircuit | None:
            raise StoreUnavailable("the store is away")

    assert await phases(TOPOLOGY, Away(World().firestore)) == {}


@pytest.mark.anyio
async def test_the_page() -> None:
    """It is there under one path."""

    async def none() -> dict[str, Phase]:
        return {}

    transport = httpx.ASGITransport(Starlette(routes=number_routes(StackMetrics(TOPOLOGY), none)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:80") as caller:
        page = await caller.get("/metrics")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "# TYPE tidegate_deliveries_total counter" in page.text
