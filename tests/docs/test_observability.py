"""The page on what a function tells says what the code does."""

import logging
import sys
from dataclasses import replace
from pathlib import Path

from tests.docs.markdown import Page
from tests.unit.test_logs import REPORT
from tidegate.breakers import Phase
from tidegate.log_settings import DATA_VARIABLE, SAMPLED, SHARES_VARIABLE, LogSettings
from tidegate.logs import JsonFormatter, delivery_line
from tidegate.messages import Outgoing
from tidegate.redaction import MAX_QUOTED_BYTES, SHORTEST_QUOTE
from tidegate.spans import delivery_span, request_span, send_span
from tidegate.telemetry import ENDPOINTS, PACKAGE
from tidegate.testing import NOON, World
from tidegate.testing.delivery import TRACE
from tidegate.topology import Topology
from tidegate.verdicts import Verdict
from tidegate.work import Work, under_way
from tidegate_ops.console.stack_metrics import StackMetrics

PAGE = Page.read(Path(__file__).parents[2] / "docs" / "observability.md")
TROUBLED = replace(
    REPORT,
    verdict=Verdict.DEAD,
    reason="why",
    detail="Traceback",
    fault="error",
    job="j-1",
    latency_seconds=1,
    trace=TRACE.child("delivery"),
)


def handlers_line() -> str:
    """A line with a traceback, logged in the middle of a delivery of a job."""
    try:
        raise ValueError
    except ValueError:
        record = logging.LogRecord("orders", logging.ERROR, "", 1, "failed", None, sys.exc_info())
    with under_way(Work("pack", TRACE, "event-1", "j-1", attempt=1), World().ports):
        return JsonFormatter(LogSettings()).format(record)


def test_every_field_is_listed() -> None:
    """None is missing, none is out of date, and each is where the page says."""
    rows = {row[0].strip("`"): row[1] for row in PAGE.section("Log lines").rows("field")}
    assert {name for name, where in rows.items() if where in ("delivery", "both")} == {
        *delivery_line(TROUBLED, LogSettings())
    }
    written = {name for name in rows if f'"{name}":' in handlers_line()}
    assert {name for name, where in rows.items() if where in ("handler", "both")} == written


def test_severities() -> None:
    """As the page says them."""
    others = {"WARNING": {Verdict.RETRY, Verdict.SHED}, "ERROR": {Verdict.DEAD}}
    for verdict in Verdict:
        severity = delivery_line(replace(REPORT, verdict=verdict), LogSettings())["severity"]
        assert verdict in others.get(severity, set(Verdict) - others["WARNING"] - others["ERROR"])


def test_settings() -> None:
    """The variables are those that are read, and shares are of the verdicts that are named."""
    [example] = [each for each in PAGE.text.split("`") if each.startswith(f"{SHARES_VARIABLE}=")]
    assert LogSettings.read({SHARES_VARIABLE: example.partition("=")[2]}).weight(Verdict.DONE) == 10
    assert f"`{DATA_VARIABLE}=1`" in PAGE.text
    *most, last = (f"`{each}`" for each in SAMPLED)
    assert f"{', '.join(most)} and {last};" in " ".join(PAGE.text.split())
    assert f"add `{PACKAGE}`" in PAGE.text
    assert set(ENDPOINTS) <= {each.strip("`") for each in PAGE.section("Traces").rows("variable")[0][0].split(", ")}


def test_what_is_struck_out() -> None:
    """The numbers are those of the code."""
    assert f"{['five', 'six', 'seven'][SHORTEST_QUOTE - 5]} characters and more" in PAGE.text
    assert f"above {MAX_QUOTED_BYTES // 1024} KiB" in PAGE.text


def test_spans() -> None:
    """Each kind of span has a row, with its kind and its name."""
    message = Outgoing("order.packed", b"{}")
    made = [
        delivery_span(replace(REPORT, topic="order.placed")),
        send_span([message], TRACE, NOON, NOON, ""),
        request_span(TRACE, "GET", "/v1/jobs/{job}", 200, NOON, NOON),
    ]
    listed = {row[0].strip("`").split()[0]: row[1] for row in PAGE.section("Traces").rows("span")}
    assert listed == {"process": made[0].kind, "send": made[1].kind, "{method}": made[2].kind}
    own = {name.removeprefix("tidegate") for each in made for name in each.attributes if name.startswith("tidegate.")}
    assert own | {".job"} == {".function", ".verdict", ".attempt", ".emitted", ".job"}
    assert "`tidegate.function`, `.verdict`, `.attempt`, `.emitted` and `.job`" in PAGE.text


def test_metrics() -> None:
    """Each is listed with its labels, and none that is not there."""
    topology = Topology.model_validate({"application": "sample", "topics": {}, "functions": {}})
    page = StackMetrics(topology).page({"scales": Phase.OPEN})
    found = {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE")}
    assert {row[0].strip("`") for row in PAGE.section("Metrics").rows("metric")} == found
