"""`tidegate logs`, `trace`, `status` and `doctor`."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from pytest_mock import MockerFixture
from rich.console import Console
from typer.testing import CliRunner, Result

from tests.unit.insight.test_event_story import keep, report
from tests.unit.test_pausing import TOPOLOGY
from tidegate.breakers import Phase
from tidegate.errors import ConfigurationError
from tidegate.pauses import CutOff, Hold, Pause
from tidegate.testing import NOON
from tidegate.testing.delivery import TRACE
from tidegate.verdicts import Verdict
from tidegate_ops.backlogs import Backlog
from tidegate_ops.cli import app, doctor, operate, status
from tidegate_ops.cli.since import moment
from tidegate_ops.diagnosis.findings import fine, note, problem
from tidegate_ops.insight.lines import Line, Lines, LinesUnknown, Query
from tidegate_ops.insight.overview import Overview
from tidegate_ops.insight.traffic import FunctionTraffic, Spread, Traffic
from tidegate_ops.operations import Operations
from tidegate_ops.pausing import Standing

FIRST = report("rebook", "e-1", TRACE, "a", emitted=14)
MANY = [report("post", f"n-{number}", FIRST.trace, f"n-{number}") for number in range(12)]
RETRIED = report("post", "e-2", FIRST.trace, "b", verdict=Verdict.RETRY, attempt=1, reason="a [bold] reason")
DEAD = report("post", "e-2", FIRST.trace, "c", verdict=Verdict.DEAD, attempt=2, reason="a [bold] reason")
OVERVIEW = Overview(
    standings={
        "rebook": Standing(
            "rebook", Pause(Hold("ann", "a [bold] move", NOON)), False, Backlog(1234, False, None, NOON)
        ),
        "post": Standing("post", Pause(cut_off=CutOff("partner", "it fails", NOON, NOON, NOON)), False),
    },
    traffic=Traffic(
        NOON,
        300,
        60,
        {
            "rebook": FunctionTraffic(2.5, {Verdict.DONE: 9, Verdict.RETRY: 3}, Spread((1, 2), (0, 4, 0))),
            "post": FunctionTraffic(),
        },
        {"flight.cancelled": 1.5},
    ),
    breakers={"partner": Phase.OPEN},
    letters={"post": 2, "": 1},
    unsettled={"flight.cancelled": 7},
    troubles=("Cloud Monitoring [bold] refuses",),
)


@pytest.fixture
def operations(tmp_path: Path, mocker: MockerFixture) -> Operations:
    """What the commands take for the project's: lines on disk, and an overview."""
    found: Operations = mocker.Mock(spec=Operations, topology=TOPOLOGY)
    found.lines = keep(tmp_path, FIRST, *MANY, RETRIED, DEAD)  # type: ignore[misc]
    found.overview.return_value = OVERVIEW  # type: ignore[attr-defined]

    @asynccontextmanager
    async def open_operations(project: object, settings: object) -> AsyncIterator[Operations]:
        yield found

    mocker.patch.object(operate, "open_operations", open_operations)
    mocker.patch.object(operate, "find_settings")
    return found


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return result


def test_logs(operations: Operations) -> None:
    """The latest lines that fit, for people and for programs."""
    told = run("logs", "post", "--verdict", "dead").stdout.splitlines()
    assert len(told) == 1
    assert "post               │ dead      order.placed e-2  attempt 2  12 ms  a [bold] reason" in told[0]
    lines = list(map(json.loads, run("logs", "--event", "e-2", "--json").stdout.splitlines()))
    assert [(each["component"], each["fields"]["verdict"]) for each in lines] == [("post", "retry"), ("post", "dead")]
    assert len(run("logs", "--limit", "3").stdout.splitlines()) == 3
    assert "fits" in run("logs", "--event", "e-9").stderr
    assert run("logs", "--event", "e-9", "--json").output == ""


class Away:
    """Lines that are told once."""

    pace_seconds = 0.0

    def __init__(self, lines: Lines) -> None:
        self.told = [lines]

    async def recent(self, query: Query) -> Sequence[Line]:
        if not self.told:
            raise LinesUnknown("gone")
        return await self.told.pop().recent(query)


def test_logs_are_followed(operations: Operations) -> None:
    """Until Ctrl-C, or until nobody tells any more."""
    operations.lines = Away(operations.lines)  # type: ignore[misc]
    told = run("logs", "--event", "e-2", "--follow", code=1)
    assert len(told.stdout.splitlines()) == 2
    assert isinstance(told.exception, LinesUnknown)


def test_status_is_live_in_a_terminal(operations: Operations, mocker: MockerFixture) -> None:
    """Looked at again and again, on a screen of its own."""
    terminal = Console(force_terminal=True, file=StringIO(), width=200)
    mocker.patch.object(status, "out", terminal)
    mocker.patch.object(status.asyncio, "sleep", mocker.AsyncMock())
    calm = replace(OVERVIEW, troubles=())
    operations.overview.side_effect = [calm, OVERVIEW, LinesUnknown("gone")]  # type: ignore[attr-defined]
    assert isinstance(run("status", code=1).exception, LinesUnknown)
    written = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert written.count("paused by ann") >= 2
    assert written.count("refuses") == 1


def test_an_unknown_function_is_no_empty_log(operations: Operations) -> None:
    """It says which there are."""
    error = run("logs", "posd", code=1).exception
    assert isinstance(error, ConfigurationError)
    assert "post" in str(error)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m", NOON - timedelta(minutes=10)),
        ("7d", NOON - timedelta(days=7)),
        ("2013-02-08T06:00", datetime(2013, 2, 8, 6, tzinfo=UTC)),
        ("2013-02-08T06:00+01:00", datetime(2013, 2, 8, 5, tzinfo=UTC)),
    ],
)
def test_times_as_people_type_them(text: str, expected: datetime) -> None:
    """How long ago, or when."""
    assert moment(text, NOON) == expected


def test_a_time_that_is_none() -> None:
    """The error shows how to write one."""
    with pytest.raises(ConfigurationError, match="10m, 2h or 7d"):
        moment("yesterday", NOON)


def test_a_trace_is_a_tree(operations: Operations) -> None:
    """Of many alike the first few, what failed, and what no line tells of; all of it where asked for."""
    told = run("trace", "e-2").stdout
    assert f"trace {TRACE.trace_id}\n└─ rebook  order.placed e-1  done" in told
    assert "   ├─ post  order.placed e-2  dead, attempt 2, 1 earlier delivery, 12 ms, a [bold] reason\n" in told
    assert told.count("─ post") == 11
    assert told.endswith("   └─ … 2 more, 1 emitted that no line tells of\n")
    assert run("trace", "e-2", "--all").stdout.count("─ post") == 13


def test_a_trace_as_json(operations: Operations) -> None:
    """Each with what it comes of and its deliveries, in lines."""
    first, *others = map(json.loads, run("trace", "e-1", "--json").stdout.splitlines())
    assert (first["id"], first["parent"], first["unseen"]) == ("rebook/e-1", None, 1)
    assert {each["parent"] for each in others} == {"rebook/e-1"}
    [dead] = [each for each in others if each["event_id"] == "e-2"]
    assert [each["verdict"] for each in dead["deliveries"]] == ["retry", "dead"]


def test_status_on_one_screen(operations: Operations) -> None:
    """Who waits for what, what fails, what is cut off, and what could not be read."""
    told = run("status").stdout
    for text in (
        "paused by ann: a [bold] move",
        "partner is cut off",
        "1,234",
        "2.5",
        "done 9 retry 3",
        "25%",
        "1.9 s",
        "flight.cancelled 1.50 per s, 7 unsettled jobs",
        "breakers: partner open",
        "post 2; functions that are gone 1",
        "Cloud Monitoring [bold] refuses",
        "2013-02-08 12:00:00 UTC",
    ):
        assert text in told, text


def test_status_as_json(operations: Operations) -> None:
    """What is not known is null."""
    found = json.loads(run("status", "--json").stdout)
    rebook, post = found["functions"]["rebook"], found["functions"]["post"]
    assert (rebook["paused"], rebook["backlog"], rebook["failing"]) == (True, 1234, 0.25)
    assert rebook["duration_seconds"]["p95"] == pytest.approx(1.95)
    assert (post["backlog"], post["failing"], post["open_dead_letters"]) == (None, None, 2)
    assert found["topics"]["flight.cancelled"] == {"published_per_second": 1.5, "unsettled_jobs": 7}
    assert (found["breakers"], found["open_dead_letters"]) == ({"partner": "open"}, 3)
    operations.overview.return_value = replace(OVERVIEW, traffic=None, standings={})  # type: ignore[attr-defined]
    assert json.loads(run("status", "--json").stdout)["functions"]["rebook"]["verdicts"] is None
    assert "?" in run("status", "--once").stdout


def test_doctor(mocker: MockerFixture) -> None:
    """Problems come with what to do, and fail the command."""
    findings = [fine("Python", "3.11.7"), note("terraform", "not installed", "install it")]
    mocker.patch.object(doctor, "diagnose", mocker.AsyncMock(return_value=findings))
    assert "nothing is wrong" in run("doctor").stdout
    findings.append(problem("Java", "not [bold] there", "install Java"))
    told = run("doctor", code=1)
    assert "not [bold] there  install Java" in told.stdout
    assert "1 problem" in told.stderr
    assert json.loads(run("doctor", "--json", code=1).stdout)[2] == {
        "weight": "problem",
        "subject": "Java",
        "said": "not [bold] there",
        "remedy": "install Java",
    }
