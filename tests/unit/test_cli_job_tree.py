"""`tidegate job tree`."""

import json
import re

import pytest
from pytest_mock import MockerFixture
from typer.testing import CliRunner

from tests.unit.operating import pretend
from tests.unit.trip_desk import TOPOLOGY, TripDesk, TripPlanned
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.testing.virtual_loop import run as run_virtually
from tidegate_ops.cli import job


@pytest.fixture(autouse=True)
def desk(mocker: MockerFixture) -> None:
    """A job of 40 legs, of which two cannot be booked, in a database that the command takes for the project's."""

    async def submit() -> TripDesk:
        desk = TripDesk()
        await desk.submit("j1", TripPlanned(legs=40, full=(7, 38)))
        return desk

    client = memory_firestore(run_virtually(submit()).application.documents)
    pretend(mocker, firestore=client, topology=TOPOLOGY)


def run(*arguments: str) -> str:
    result = CliRunner().invoke(job.app, ["tree", "j1", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_many_that_are_alike_are_folded_and_failures_never() -> None:
    """The first few of those that are done, then how many more there are; both legs that failed, with the reason."""
    lines = run().splitlines()
    assert lines[0] == "job j1: failed, trip.planned"
    assert lines[1].startswith("├─ plan_trip  trip.planned trip-j1  done, 1 attempt")
    assert sum(bool(re.search(r"failed, 1 attempt, [0-9.]+ s, rejected: full$", line)) for line in lines) == 2
    # Ten of 38 legs that were booked, and ten of 40 compensations.
    assert [line for line in lines if "…" in line] == ["│  └─ … 28 more done", "└─ … 30 more done"]


def test_a_tree_may_end_early() -> None:
    """What is below is counted, and what failed there is shown."""
    lines = run("--depth", "1").splitlines()
    assert lines[2] == "│  └─ … 41 not read"
    assert sum(line.startswith(("├─ elsewhere book_leg", "└─ elsewhere book_leg")) for line in lines) == 2
    # Which event undid a leg follows from the leg, which nobody read.
    assert sum("undo book_leg  done" in line for line in lines) == 10


def test_all_are_shown_if_that_is_asked_for() -> None:
    """Every leg, each with what came of it."""
    shown = run("--all")
    assert "more done" not in shown
    assert shown.count("count_leg  leg.booked") == 38


def test_units_are_printed_for_programs() -> None:
    """A line of JSON each, all of them, with the unit that caused it."""
    units = [json.loads(line) for line in run("--json").splitlines()]
    [plan] = [each for each in units if each["function"] == "plan_trip"]
    assert (plan["parent"], plan["relation"], plan["event_id"]) == (None, "submitted", "trip-j1")
    legs = [each for each in units if each["function"] == "book_leg" and each["relation"] == "emitted"]
    assert len(legs) == 40
    assert {each["parent"] for each in legs} == {plan["id"]}
    assert plan["emitted_at"] == "2013-02-08T12:00:00.000000Z"
    assert all(each["seconds"] >= 0 and each["ended_at"] for each in units)
    assert [(each["fault"], each["reason"]) for each in legs if each["state"] == "failed"] == [("rejected", "full")] * 2
