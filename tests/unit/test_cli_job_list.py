"""`tidegate job list`."""

import json

import pytest
from pytest_mock import MockerFixture
from typer.testing import CliRunner, Result

from tests.unit.operating import pretend
from tests.unit.trip_desk import TOPOLOGY, TripDesk, TripPlanned
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.errors import ConfigurationError
from tidegate.testing import NOON
from tidegate.testing.virtual_loop import run as run_virtually
from tidegate.topology import HttpFunction
from tidegate_ops.cli import app, job_list

FRONT = HttpFunction(accepts=("trip.planned",))


@pytest.fixture(autouse=True)
def desk(mocker: MockerFixture) -> None:
    """Two jobs, of which one failed, in a database that the command takes for the project's."""

    async def submit() -> TripDesk:
        desk = TripDesk()
        await desk.submit("j1", TripPlanned(legs=2))
        await desk.submit("j2", TripPlanned(legs=2, full=(1,)))
        return desk

    firestore = memory_firestore(run_virtually(submit()).application.documents)
    topology = TOPOLOGY.model_copy(update={"http_functions": {"front": FRONT}})
    pretend(mocker, firestore=firestore, topology=topology)
    mocker.patch.object(job_list, "system_clock", return_value=NOON)


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["job", "list", *arguments])
    assert result.exit_code == code, result.output
    return result


def test_jobs_are_listed() -> None:
    """With their state and times, the newest first."""
    found = {each["id"]: each for each in json.loads(run("--json").stdout)}
    assert {name: each["state"] for name, each in found.items()} == {"j1": "succeeded", "j2": "failed"}
    assert found["j1"]["accepted_at"].startswith("2013-02-08T12:00")
    table = run().stdout
    assert "trip.planned" in table
    assert all(name in table for name in found)


def test_some_are_asked_for() -> None:
    """By state, by topic, so many; what is left out is said."""
    assert [each["id"] for each in json.loads(run("--state", "failed", "--json").stdout)] == ["j2"]
    assert "there are more" in run("--limit", "1").stderr
    assert "no such job since 2013-02-02" in run("--state", "running").stdout
    assert isinstance(run("--topic", "trip.plan", code=1).exception, ConfigurationError)
