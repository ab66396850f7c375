"""`tidegate pause`, `resume`, `drain` and `pauses`."""

import asyncio
import json
from datetime import timedelta

import pytest
from pytest_mock import MockerFixture
from typer.testing import CliRunner, Result

from tests.unit.operating import pretend
from tests.unit.test_pausing import Desk
from tidegate.adapters.memory_broker import MemoryBroker
from tidegate.testing import NOON
from tidegate_ops.backlogs import Backlog, BacklogUnknown
from tidegate_ops.cli import app, pauses


@pytest.fixture
def desk(mocker: MockerFixture) -> Desk:
    """Two functions in memory, which the commands take for the project's; its clock stands, waiting moves it."""
    desk = Desk()
    pretend(mocker, pausing=desk.pausing)
    mocker.patch.object(pauses.getpass, "getuser", return_value="ann")
    return desk


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output
    return result


def test_pausing_and_resuming_are_said(desk: Desk) -> None:
    """What was done, and what to type next; a second pause changes nothing."""
    assert "let it go: tidegate resume rebook" in run("pause", "rebook", "--reason", "a [bold] move").stdout
    again = run("pause", "rebook", "--reason", "mine").stdout
    assert "paused already, by ann since 2013-02-08 12:00:00 UTC (a [bold] move)" in again
    assert "rebook runs: the pause by ann is lifted" in run("resume", "rebook").stdout
    assert "rebook runs: no operator has paused it" in run("resume", "rebook").stdout


@pytest.mark.parametrize("command", ["pause", "resume", "drain"])
def test_a_dry_run_changes_nothing(desk: Desk, command: str) -> None:
    """It says what would be done."""
    assert "nothing was changed" in run(command, "rebook", "--dry-run").stdout
    assert not desk.broker.is_paused("rebook")
    assert not desk.world.store.list("pauses")


def test_a_function_that_stays_cut_off_says_so(desk: Desk) -> None:
    """Until when and why, and that it then runs by itself."""
    asyncio.run(desk.cut_off())
    run("pause", "rebook")
    said = run("resume", "rebook").stdout
    assert "rebook stays paused until about 2013-02-08 12:00:30 UTC: partner is cut off (5 uses failed)" in said
    assert "It then runs by itself; the pause by ann is lifted" in said
    listing = run("pauses").stdout
    assert "the governor" in listing
    assert "partner is cut off (5 uses failed)" in listing


def test_each_function_is_listed(desk: Desk) -> None:
    """By whom it is paused, why, since when, and what waits."""
    desk.backlog = lambda now: Backlog(1000, True, NOON, now)
    run("pause", "rebook", "--reason", "a [bold] move")
    listing = run("pauses").stdout
    for text in ("post", "runs", "rebook", "paused", "ann", "a [bold] move", "2013-02-08 12:00:00", "1,000 or more"):
        assert text in listing
    post, rebook = json.loads(run("pauses", "--json").stdout)
    assert (post["function"], post["paused"], post["pushes"]) == ("post", False, True)
    assert rebook == {
        "function": "rebook",
        "paused": True,
        "pushes": False,
        "operator": {"by": "ann", "reason": "a [bold] move", "since": "2013-02-08T12:00:00.000000Z"},
        "governor": None,
        "backlog": {
            "count": 1000,
            "more": True,
            "oldest": "2013-02-08T12:00:00.000000Z",
            "as_of": "2013-02-08T12:00:00.000000Z",
        },
    }


def test_an_unknown_backlog_hides_nothing_else(desk: Desk) -> None:
    """The list is there, with the reason beside it."""

    def fail(now: object) -> Backlog:
        raise BacklogUnknown("Cloud Monitoring refuses to tell")

    desk.backlog = fail
    result = run("pauses")
    assert "refuses to tell" in result.stderr
    assert "?" in result.stdout


def test_a_drained_function_is_said_to_be_paused(desk: Desk) -> None:
    """As JSON, with how it stands; one that has not come to an end fails."""
    facts = json.loads(run("drain", "rebook", "--reason", "migration", "--json").stdout)
    assert (facts["paused"], facts["operator"]["reason"]) == (True, "migration")
    desk.backlog = lambda now: Backlog(1, False, NOON - timedelta(hours=1), now)
    assert run("drain", "rebook", "--timeout", "60", code=1).exception is not None


def test_a_push_that_somebody_else_took_off_is_said(desk: Desk) -> None:
    """What was never paused here cannot be given back here."""
    broker: MemoryBroker = desk.broker
    broker.pause("rebook")
    assert "terraform apply" in run("resume", "rebook", code=1).stderr
    assert "pushes nothing" in run("pauses").stdout
