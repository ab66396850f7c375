"""Lines and traffic as Google Cloud tells them, asked of a server that answers like it."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.unit.console.test_stack_metrics import TOPOLOGY
from tests.unit.google_service import Asked, GoogleService, google_service
from tests.unit.test_logs import REPORT, SETTINGS
from tidegate.errors import TidegateError
from tidegate.logs import delivery_line
from tidegate.testing import NOON
from tidegate.verdicts import Verdict
from tidegate_ops.insight.deliveries import Delivery
from tidegate_ops.insight.lines import LinesUnknown, Query
from tidegate_ops.insight.logged_lines import LoggedLines
from tidegate_ops.insight.monitored_traffic import MonitoredTraffic
from tidegate_ops.insight.traffic import Spread, TrafficUnknown

pytestmark = pytest.mark.anyio
GOOGLE = "logging.googleapis.com"
OBSERVABILITY = Path(__file__).parents[3] / "terraform" / "modules" / "observability"


@pytest.fixture
def service() -> Iterator[GoogleService]:
    with google_service() as service:
        yield service


def lines_of(service: GoogleService) -> LoggedLines:
    return LoggedLines(service.session, "desk", TOPOLOGY, url=service.url)


def entry(number: int, **changes: Any) -> dict[str, Any]:
    """A delivery's line as Cloud Logging keeps it: what it knows by name stands beside the rest."""
    line = delivery_line(REPORT, SETTINGS)
    beside = {
        "severity": line.pop("severity"),
        "trace": line.pop(f"{GOOGLE}/trace"),
        "spanId": line.pop(f"{GOOGLE}/spanId"),
        "labels": line.pop(f"{GOOGLE}/labels"),
        "timestamp": line.pop("time"),
    }
    return {
        "insertId": f"i-{number}",
        "resource": {"type": "cloud_run_revision", "labels": {"service_name": "pack"}},
        "jsonPayload": line,
        **beside,
        **changes,
    }


async def test_entries_are_lines(service: GoogleService) -> None:
    """With all that the function wrote, the oldest first; what is no JSON is text."""
    plain = {"insertId": "i-0", "timestamp": "2013-02-08T11:59:00Z", "textPayload": "Killed", "resource": {}}
    service.answer = lambda asked: {"entries": [entry(1), plain]}
    first, second = await lines_of(service).recent(Query())
    assert (first.text, first.fields, first.at) == ("Killed", {}, NOON - timedelta(minutes=1))
    delivery = Delivery.read(second)
    assert delivery is not None
    assert (delivery.function, delivery.verdict, delivery.at) == ("pack", Verdict.DONE, NOON)
    assert (delivery.trace_id, delivery.span_id) == (REPORT.trace.trace_id, REPORT.trace.span_id)
    assert json.loads(second.text)["severity"] == "INFO"


async def test_what_is_asked(service: GoogleService) -> None:
    """By indexed fields, of the application's services alone; all the pages that it takes."""
    pages = [{"entries": [entry(1)], "nextPageToken": "more"}, {"nextPageToken": "yet"}, {"entries": [entry(2)]}]
    service.answer = lambda asked: pages.pop(0)
    query = Query("pack", "event-1", REPORT.trace.trace_id, Verdict.DONE, since=NOON, limit=3)
    assert [each.id for each in await lines_of(service).recent(query)] == ["i-2", "i-1"]
    assert [each.path for each in service.asked] == ["/v2/entries:list"] * 3
    assert [each.body.get("pageToken") for each in service.asked] == [None, "more", "yet"]
    body = service.asked[0].body
    assert (body["resourceNames"], body["orderBy"], body["pageSize"]) == (["projects/desk"], "timestamp desc", 3)
    assert body["filter"].split(" AND ") == [
        'resource.type="cloud_run_revision"',
        "logName=("
        + " OR ".join(f'"projects/desk/logs/run.googleapis.com%2F{each}"' for each in ("stdout", "stderr"))
        + ")",
        'resource.labels.service_name=("pack")',
        'labels.event_id="event-1"',
        f'trace="projects/desk/traces/{REPORT.trace.trace_id}"',
        'jsonPayload.action="delivery"',
        'jsonPayload.verdict="done"',
        'timestamp>="2013-02-08T12:00:00.000000Z"',
    ]
    service.answer = lambda asked: {}
    await lines_of(service).recent(Query())
    assert 'resource.labels.service_name=("count" OR "pack")' in service.asked[-1].body["filter"]


def vector(*series: tuple[dict[str, str], float]) -> dict[str, Any]:
    result = [{"metric": labels, "value": [1360324800, str(value)]} for labels, value in series]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def monitored(asked: Asked) -> dict[str, Any]:
    [query] = asked.parameters["query"]
    pack = {"function": "pack"}
    if "_deliveries_" in query:
        return vector(
            ({**pack, "verdict": "done"}, 270), ({**pack, "verdict": "dead"}, 30), ({**pack, "verdict": "odd"}, 1)
        )
    if "_duration_" in query:
        return vector(*(({**pack, "le": bound}, count) for bound, count in (("+Inf", 10), ("100", 4), ("200", 9))))
    if "topic_send" in query:
        return vector(({"topic_id": "order.placed"}, 2.5), ({"topic_id": "of another"}, 9), ({}, float("nan")))
    return vector()


async def test_the_traffic_is_that_of_the_metrics(service: GoogleService) -> None:
    """Of the last five minutes; each function and topic is there."""
    service.answer = monitored
    found = await MonitoredTraffic(service.session, "desk", TOPOLOGY, url=service.url, clock=lambda: NOON).look()
    pack = found.functions["pack"]
    assert pack.verdicts == {Verdict.DONE: 270, Verdict.DEAD: 30}
    assert (pack.per_second, pack.failing, pack.backlog) == (1, 0.1, None)
    assert pack.duration == Spread((0.1, 0.2), (4, 5, 1))
    assert found.functions["count"].verdicts == {}
    assert found.published == {"order.placed": 2.5, "order.packed": 0}
    assert {each.path for each in service.asked} == {"/v1/projects/desk/location/global/prometheus/api/v1/query"}
    assert {each.parameters["time"][0] for each in service.asked} == {f"{NOON.timestamp():.0f}"}


async def test_the_metrics_are_those_of_terraform(service: GoogleService) -> None:
    """By the names under which alerts and dashboard ask for them too."""
    service.answer = monitored
    await MonitoredTraffic(service.session, "desk", TOPOLOGY, url=service.url).look()
    queries = " ".join(each.parameters["query"][0] for each in service.asked)
    asked = set(re.findall(r"logging_googleapis_com:user_sample_(\w+?)_(?:sum|bucket)", queries))
    text = (OBSERVABILITY / "main.tf").read_text()
    measures = text.partition("measures = {")[2].partition("\n  }\n")[0]
    assert asked == {"deliveries", "duration", "latency"}
    assert asked <= set(re.findall(r"^    (\w+) = \{", measures, re.MULTILINE))
    assert 'name => "logging_googleapis_com:user_${replace(var.application, "-", "_")}_${name}"' in text


@pytest.mark.parametrize(
    ("status", "says"), [(403, r"grant roles/(logging|monitoring).viewer"), (500, "500"), (200, "usable answer")]
)
async def test_a_refusal_is_said(service: GoogleService, status: int, says: str) -> None:
    """Where there is no answer, or none that can be read, the error says what to do."""
    service.status, service.answer = status, lambda asked: b"no JSON"
    with pytest.raises(LinesUnknown, match=says):
        await lines_of(service).recent(Query())
    with pytest.raises(TrafficUnknown, match=says):
        await MonitoredTraffic(service.session, "desk", TOPOLOGY, url=service.url).look()
    service.answer = lambda asked: {"entries": [{}], "data": {}}
    with pytest.raises(TidegateError):
        await MonitoredTraffic(service.session, "desk", TOPOLOGY, url=service.url).look()
    with pytest.raises(TidegateError):
        await lines_of(service).recent(Query())
