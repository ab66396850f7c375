"""`tidegate job`: look at a job, follow it, cancel it."""

import json
from collections.abc import Callable
from threading import Thread

import pytest
from typer.testing import CliRunner, Result

from tests.unit.client.scripted_gateway import ScriptedGateway
from tidegate.client import JobNotFound
from tidegate_ops.cli import app

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, url: str) -> Run:
    """Runs `tidegate job …` at the gateway of the test."""
    monkeypatch.setenv("TIDEGATE_URL", url)
    return lambda *arguments: CliRunner().invoke(app, ["job", *arguments])


@pytest.fixture
def job(gateway: ScriptedGateway) -> str:
    """The id of a job that runs."""
    job = gateway.accept()
    gateway.change(job, progress={"known": 1_200, "settled": 3})
    return job


def test_a_job_is_shown(run: Run, job: str) -> None:
    """How far it is, for people; a job that runs is no failure."""
    result = run("show", job)
    assert result.exit_code == 0
    assert all(word in result.stdout for word in (job, "running", "order.placed", "2013-02-08 15:00:00 UTC"))
    assert "3 of 1,200" in result.stdout


def test_a_failed_job_is_shown(run: Run, job: str, gateway: ScriptedGateway) -> None:
    """What was given up is told, on standard error; looking at a failure is itself none."""
    failure = {"function": "pack_order", "event_id": "e-1", "reason": "no [boxes] left"}
    gateway.change(job, state="failed", failures=[failure], cancel_requested_at="2013-02-08T15:00:03Z", result=[1])
    result = run("show", job)
    assert result.exit_code == 0
    assert "asked for at 2013-02-08 15:00:03 UTC" in result.stdout
    assert "no [boxes] left" in result.stderr


def test_a_job_is_told_as_json(run: Run, job: str, gateway: ScriptedGateway) -> None:
    """Programs get all that the gateway tells."""
    gateway.change(job, state="succeeded", result="\ud83d")
    told = json.loads(run("show", job, "--json").stdout)
    assert (told["id"], told["result"], told["settled_at"]) == (job, "\ud83d", "2013-02-08T15:00:09Z")


@pytest.mark.parametrize(("state", "exit_code"), [("succeeded", 0), ("failed", 1), ("cancelled", 1)])
def test_a_job_is_watched_to_its_end(run: Run, job: str, gateway: ScriptedGateway, state: str, exit_code: int) -> None:
    """With --watch, the exit code tells how it ended."""

    def settle() -> None:
        gateway.wait_until(lambda: bool(gateway.of("GET", "/events")))
        gateway.change(job, state=state)

    Thread(target=settle).start()
    result = run("show", job, "--watch")
    assert result.exit_code == exit_code
    assert state in result.stdout


def test_a_job_is_cancelled(run: Run, job: str, gateway: ScriptedGateway) -> None:
    """The gateway is asked to, and it is said how far the job was."""
    result = run("cancel", job)
    assert "is being cancelled; 3 of 1,200" in result.stdout
    assert gateway.jobs[job]["cancel_requested_at"]


def test_a_dry_run_cancels_nothing(run: Run, job: str, gateway: ScriptedGateway) -> None:
    """It tells what would be done."""
    assert f"would cancel job {job}" in run("cancel", job, "--dry-run").stdout
    assert gateway.of("DELETE") == []


@pytest.mark.parametrize("dry_run", [["--dry-run"], []])
def test_what_has_settled_stays(run: Run, job: str, gateway: ScriptedGateway, dry_run: list[str]) -> None:
    """A job that is over cannot be cancelled any more."""
    gateway.change(job, state="succeeded")
    assert f"job {job} has succeeded: it stays so" in run("cancel", job, *dry_run).stdout


def test_an_unknown_job_is_told_of(run: Run, gateway: ScriptedGateway) -> None:
    """It is an error, and says which job."""
    result = run("show", "0" * 32)
    assert isinstance(result.exception, JobNotFound)
