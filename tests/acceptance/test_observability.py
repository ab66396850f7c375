"""What a running application tells: one trace for all that a request causes, its log lines, and the numbers."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import httpx
import pytest

from tests.acceptance.application import Application
from tests.acceptance.delivery_log import DeliveryLog, Line, eventually
from tests.acceptance.manifests import CANCELLED, ON_TIME, manifest
from tests.acceptance.projects import copy_desk
from tests.collector import Collector, Received
from tidegate.testing.delivery import TRACE
from tidegate_ops.broker import LocalBroker
from tidegate_ops.console.server import ConsoleServer
from tidegate_ops.console.stack_metrics import StackMetrics
from tidegate_ops.demo.partner import Partner
from tidegate_ops.local_stack import LocalStack
from tidegate_ops.project import Project

DAY = date(2013, 2, 9)
SETTLED_SECONDS = 120
REQUEST_SECONDS = 30


@dataclass(frozen=True)
class Watched:
    """The desk, with a collector of its traces and its console."""

    desk: Application
    collector: Collector
    console_url: str
    root: Path

    def submit(self, traceparent: str) -> None:
        """Hand in a day with two flights, one of them cancelled, and wait for its end."""
        with httpx.Client(base_url=self.desk.stack.urls["gateway"], timeout=60) as http:
            body = {"date": DAY.isoformat(), "manifests": [manifest(DAY, ON_TIME, CANCELLED)]}
            answer = http.post("/v1/events/day.received", json=body, headers={"traceparent": traceparent})
            assert answer.status_code == 202, answer.text
            location = answer.headers["location"]
            eventually(lambda: http.get(location, headers={"Prefer": "wait=20"}).json()["settled_at"], SETTLED_SECONDS)


@pytest.fixture(scope="module")
def watched(emulators_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """The flight operations desk, watched in every way."""
    project = Project(copy_desk(tmp_path_factory.mktemp("watched")))
    metrics, log = StackMetrics(project.topology()), DeliveryLog()

    def on_line(component: str, line: str) -> None:
        metrics.note(line)
        log.note(component, line)

    with Collector() as collector, Partner() as partner:
        stack = LocalStack(
            project, environment={"REBOOKING_API_URL": partner.url, **collector.environment}, on_line=on_line
        )
        with (
            stack,
            LocalBroker(stack.state.pubsub_host, stack.state.project) as broker,
            ConsoleServer(project, stack.state, metrics) as console,
        ):
            stack.announce_console(console.url)
            yield Watched(Application(stack, log, broker), collector, console.url, project.root)


def processed(spans: list[Received], topic: str) -> list[Received]:
    return [each for each in spans if each.name == f"process {topic}" and each.attributes["tidegate.verdict"] == "done"]


def test_what_a_request_causes_is_one_trace(watched: Watched) -> None:
    """Every span is below another of it, up to the caller's; what ends the gathering is linked to what followed."""
    watched.submit(TRACE.traceparent)
    spans = eventually(lambda: _with_end(watched.collector.spans(TRACE.trace_id)))
    ids = {each.span_id for each in spans}
    assert len(ids) == len(spans)
    assert {each.parent_id for each in spans} - ids == {TRACE.span_id}
    [request] = [each for each in spans if each.parent_id == TRACE.span_id]
    assert (request.name, request.kind) == ("POST /v1/events/{topic}", "server")
    assert request.attributes["http.response.status_code"] == 202

    [received] = processed(spans, "day.received")
    [split] = processed(spans, "manifest.received")
    assert received.parent_id == request.span_id
    assert split.parent_id == received.span_id
    assert {each.parent_id for each in processed(spans, "flight.reported")} == {split.span_id}
    assert len(processed(spans, "flight.reported")) == 2
    [closed] = processed(spans, "day.closed")
    assert closed.parent_id == received.span_id
    assert set(closed.links) <= {each.span_id for each in processed(spans, "job.advanced")}
    assert closed.links


def test_the_log_lines_of_a_trace(watched: Watched) -> None:
    """One name finds them all, and each names its span."""
    parent = TRACE.traceparent.replace(TRACE.trace_id, "1" * 32)
    watched.submit(parent)
    spans = eventually(lambda: _with_end(watched.collector.spans("1" * 32)))
    name = f"projects/{watched.desk.stack.state.project}/traces/{'1' * 32}"
    told = {each.span_id: each.attributes["cloudevents.event_id"] for each in spans if each.name.startswith("process ")}

    def logged() -> list[Line]:
        lines = watched.desk.log.deliveries(**{"logging.googleapis.com/trace": name})
        found = {each["logging.googleapis.com/spanId"]: each["event_id"] for each in lines}
        return lines if told.items() <= found.items() else []

    lines = watched.desk.log.wait_for(lambda _: logged())
    assert {each["function"] for each in lines} >= {"open_day", "split_manifest", "assess_flight", "close_day"}
    assert len({each["job"] for each in lines if "job" in each}) == 1


def test_the_metrics_of_a_stack(watched: Watched) -> None:
    """They count what was done; nothing waits once all is done."""
    watched.submit(TRACE.traceparent)
    waiting = 'tidegate_backlog_messages{function="assess_flight"} '
    page = eventually(lambda: _when(f"{watched.console_url}metrics", f"{waiting}0\n"))
    assert 'tidegate_deliveries_total{function="split_manifest",verdict="done"} ' in page
    assert 'tidegate_breaker_state{dependency="rebooking-api",state="closed"} 1\n' in page
    assert 'tidegate_published_messages_total{topic="flight.reported"} ' in page
    assert 'tidegate_publish_to_done_seconds_count{function="close_day"} ' in page


def test_the_console_of_a_stack(watched: Watched) -> None:
    """It submits from a form, follows the job, shows what functions logged of it, and pauses one of them."""
    edit = {"flight_id": "EV7-EWR-20130209", "base_version": "0", "text": "Snow.", "editor": "an editor"}
    own = {"Sec-Fetch-Site": "same-origin"}
    with httpx.Client(base_url=watched.console_url, headers=own, timeout=60, follow_redirects=True) as http:
        job = http.post("/topics/note.edited", data={f"data.{name}": value for name, value in edit.items()}).url
        page = eventually(lambda: _when(str(job), ">succeeded<"))
        [event] = set(re.findall(r'href="(/events/[0-9a-f-]+)"', page))
        assert "edit_note" in eventually(lambda: _when(str(job.join(event)), ">done<"))
        assert str(job.path) in http.get("/jobs").text
        paused = http.post("/functions/close_day", data={"action": "pause", "reason": "a test"}).text
        assert "Paused by" in paused
        assert ">paused<" in http.get("/").text
        assert ">paused<" not in http.post("/functions/close_day", data={"action": "resume"}).text
        assert http.get("/dead").status_code == 200


def test_a_console_beside_the_stack(watched: Watched) -> None:
    """`tidegate console` shows the same, and ends without a word of complaint."""
    command = [Path(sys.executable).with_name("tidegate"), "console"]
    with subprocess.Popen(
        command, cwd=watched.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().rpartition(" ")[2].strip()
        try:
            # What a busy emulator did not answer in time, it answers the next time.
            page = eventually(lambda: _whole(url))
        finally:
            process.send_signal(signal.SIGINT)
            _, complaints = process.communicate(timeout=30)
    assert ">edit_note</a>" in page
    assert (process.returncode, complaints) == (0, "stopped\n")


def _with_end(spans: list[Received]) -> list[Received]:
    """The spans of a day's trace once all those are there that others name."""
    ids = {each.span_id for each in spans}
    whole = all(each.parent_id in {*ids, TRACE.span_id} and ids.issuperset(each.links) for each in spans)
    settled = processed(spans, "day.closed") and any(each.kind == "server" for each in spans)
    settled = settled and len(processed(spans, "flight.reported")) >= 2
    return spans if whole and settled else []


def _when(url: str, line: str) -> str:
    page = _page(url)
    return page if line in page else ""


def _whole(url: str) -> str:
    page = _page(url)
    return "" if "Not all is known" in page else page


def _page(url: str) -> str:
    return httpx.get(url, timeout=REQUEST_SECONDS).raise_for_status().text
