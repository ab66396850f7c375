"""What goes through an application: recorded by a running stack, and handed on to other processes."""

import json
from dataclasses import replace

import pytest
from starlette.applications import Starlette

from tests.unit.console.test_stack_metrics import TOPOLOGY
from tests.unit.test_logs import REPORT, SETTINGS
from tidegate.breakers import Phase
from tidegate.logs import delivery_line
from tidegate.messages import Message
from tidegate.testing.clock import WorldClock
from tidegate.verdicts import Verdict
from tidegate_ops.console.numbers import number_routes
from tidegate_ops.console.stack_metrics import StackMetrics
from tidegate_ops.embedded_server import EmbeddedServer
from tidegate_ops.insight.stack_traffic import StackTraffic
from tidegate_ops.insight.traffic import Spread, TrafficUnknown
from tidegate_ops.insight.traffic_recorder import TrafficRecorder

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [((0, 0, 0), 0.5, None), ((4, 0, 0), 0.5, 0.5), ((2, 2, 0), 0.95, 2.8), ((0, 0, 3), 0.99, 3.0), ((0, 4, 0), 0, 1)],
)
def test_quantiles(counts: tuple[float, ...], share: float, expected: float | None) -> None:
    """Even within a bucket, none where there is nothing, and never above the last bound."""
    found = Spread((1, 3), counts).quantile(share)
    assert found == (pytest.approx(expected) if expected is not None and share else None)


def test_what_is_old_is_forgotten() -> None:
    """Rates are of a minute, numbers and times of five."""
    clock = WorldClock()
    recorder = TrafficRecorder(["pack", "count"], ["order.placed"], clock=clock)
    for _ in range(60):
        recorder.delivered("pack", Verdict.DONE, 2, duration=0.2, latency=0.3)
        recorder.published("order.placed")
        clock.advance(1)
    recorder.delivered("pack", Verdict.RETRY, 40, duration=None, latency=None)
    busy = recorder.traffic({"pack": 3})
    pack = busy.functions["pack"]
    assert pack.verdicts == {Verdict.DONE: 120, Verdict.RETRY: 40}
    assert (pack.backlog, pack.failing) == (3, 0.25)
    assert pack.per_second == pytest.approx(160 / 60, rel=0.1)
    assert busy.published["order.placed"] == pytest.approx(1, rel=0.1)
    assert 0.1 < (pack.duration.quantile(0.95) or 0) <= 0.25
    assert (busy.functions["count"].failing, busy.functions["count"].backlog) == (None, None)
    clock.advance(120)
    calm = recorder.traffic({})
    assert (calm.functions["pack"].per_second, calm.published["order.placed"]) == (0, 0)
    assert calm.functions["pack"].verdicts == {Verdict.DONE: 120, Verdict.RETRY: 40}
    clock.advance(180)
    assert recorder.traffic({}).functions["pack"].duration.total == 0


@pytest.fixture
def metrics() -> StackMetrics:
    """Of one message that is published and done, and one that waits."""
    metrics = StackMetrics(TOPOLOGY)
    for name in ("m-1", "m-2"):
        metrics.note_published("order.placed", Message(name, b""))
    metrics.note(json.dumps(delivery_line(replace(REPORT, latency_seconds=0.2), SETTINGS)))
    return metrics


async def test_a_stack_tells_other_processes(metrics: StackMetrics) -> None:
    """Over HTTP they learn the same; once it is away, they say that."""

    async def breakers() -> dict[str, Phase]:
        return {}

    server = EmbeddedServer(Starlette(routes=number_routes(metrics, breakers)))
    try:
        told = await StackTraffic(server.url).look()
    finally:
        await server.close()
    here = await metrics.look()
    assert replace(told, as_of=here.as_of, published={}, functions={}) == replace(here, published={}, functions={})
    assert told.functions["pack"].verdicts == {Verdict.DONE: 1}
    assert [told.functions[each].backlog for each in ("pack", "count")] == [1, 2]
    assert told.functions["pack"].latency.total == 1
    assert told.published["order.placed"] > 0
    with pytest.raises(TrafficUnknown, match="does not tell"):
        await StackTraffic(server.url).look()
