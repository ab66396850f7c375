"""Telemetry: exported to a collector where one is named, and no reason to fail or to be slow where none is."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_mock import MockerFixture

from tests.collector import Collector
from tidegate.settings import Settings
from tidegate.telemetry import collected
from tidegate.testing import World
from tidegate.testing.delivery import TRACE

REPOSITORY = Path(__file__).parents[2]

EXPORTING = """\
import asyncio, os
from opentelemetry import trace
from tests.orders import OrderPacked, OrderPlaced, order
from tidegate.testing import World
from tidegate import Context
from tidegate.settings import Settings
from tidegate.telemetry import collected

async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
    with trace.get_tracer("a library").start_as_current_span("fold"):
        return OrderPacked()

async def main():
    world = World()
    world.ports = collected(world.ports, Settings("desk", environment=dict(os.environ)))
    report = await world.engine(pack).deliver(order())
    print(report.trace.trace_id)

asyncio.run(main())
"""

PLAIN = """\
import json, sys
sys.path.insert(0, "functions/edit_note")
import main
from tidegate.service import google_ports
from tidegate.settings import Settings
import asyncio
async def ports():
    google_ports(Settings.read())
asyncio.run(ports())
print(json.dumps(sorted(each for each in sys.modules if each.startswith("opentelemetry."))))
"""


def run(script: str, **environment: str) -> str:
    """What a script prints that runs in a process of its own; its last line."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        env={**inherited, "PYTHONPATH": f"{REPOSITORY / 'infra'}{os.pathsep}{REPOSITORY}", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_spans_reach_a_collector() -> None:
    """One variable is enough; a library's own spans are below the delivery's, and nothing is lost at the end."""
    with Collector() as collector:
        trace_id = run(EXPORTING, K_SERVICE="pack", K_REVISION="pack-1", **collector.environment)
        spans = {each.name: each for each in collector.spans(trace_id)}
    assert spans.keys() == {"process order.placed", "send order.packed", "fold"}
    delivery = spans["process order.placed"]
    assert (delivery.kind, delivery.parent_id, delivery.failed) == ("consumer", "", False)
    assert delivery.attributes["tidegate.attempt"] == 1
    assert {each.parent_id for name, each in spans.items() if each is not delivery} == {delivery.span_id}
    assert delivery.resource["service.name"] == delivery.resource["faas.name"] == "pack"
    assert delivery.resource["gcp.project_id"] == "desk"
    assert delivery.end >= delivery.start > 0


def test_a_plain_function_imports_no_telemetry() -> None:
    """Nor do the ports that it works with on Google Cloud."""
    environment = {"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1", "PUBSUB_EMULATOR_HOST": "127.0.0.1:1"}
    assert json.loads(run(PLAIN, GOOGLE_CLOUD_PROJECT="desk", **environment)) == []


def test_a_missing_exporter_is_said_once_and_stops_nothing(
    mocker: MockerFixture, caplog: pytest.LogCaptureFixture
) -> None:
    """With what to add to which file."""
    mocker.patch.dict(sys.modules, {"tidegate.adapters.otlp_spans": None})
    ports = World().ports
    settings = Settings("desk", environment={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"})
    with caplog.at_level(logging.WARNING):
        assert collected(ports, settings) is ports
    [record] = [each for each in caplog.records if each.name == "tidegate.telemetry"]
    assert "add opentelemetry-exporter-otlp-proto-http to the requirements.txt" in record.getMessage()


@pytest.mark.parametrize(
    "environment", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_SDK_DISABLED": "true"}]
)
def test_nothing_is_collected_unasked(environment: dict[str, str]) -> None:
    """The ports stay what they are."""
    ports = World().ports
    assert collected(ports, Settings("desk", environment=environment)) is ports


def test_what_is_not_sampled_is_not_exported() -> None:
    """The flag of the trace decides."""
    script = EXPORTING.replace("deliver(order())", "deliver(order(extensions={'traceparent': UNSAMPLED}))")
    unsampled = f"{TRACE.traceparent[:-2]}00"
    with Collector() as collector:
        run(f"UNSAMPLED = {unsampled!r}\n{script}", **collector.environment)
        assert collector.spans() == []
