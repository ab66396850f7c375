"""`tidegate smoke`: whether a deployment works shows in its exit code, and within its time."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from pytest_mock import MockerFixture
from typer.testing import CliRunner, Result

from tests.unit.client.hand_wound_time import HandWoundTime
from tests.unit.client.scripted_gateway import ScriptedGateway, fails, problem, says
from tidegate.client import Client, SubmissionRefused
from tidegate.errors import ConfigurationError
from tidegate.jobs import JobState
from tidegate_ops.cli import app
from tidegate_ops.embedded_stack import EmbeddedStack
from tidegate_ops.project import Project
from tidegate_ops.smoke import SmokeTest, SmokeTestFailed

Run = Callable[..., Result]
ROOT = Path(__file__).parents[3]
FAILURE = {"function": "pack_order", "event_id": "e-1", "fault": "rejected", "reason": "no boxes left", "attempts": 3}


@pytest.fixture
def run(tmp_path: Path, url: str) -> Run:
    """Runs `tidegate smoke order.placed` at the gateway of the test; errors come out as they are."""
    (tmp_path / "order.json").write_text('{"order": 1}')
    arguments = ["smoke", "order.placed", str(tmp_path / "order.json"), "--url", url, "--token", "t"]
    return lambda *more: CliRunner().invoke(app, [*arguments, *more], catch_exceptions=False)


def settles(gateway: ScriptedGateway, **fields: Any) -> None:
    """Let the next job go on as soon as somebody follows it."""
    before = len(gateway.of("GET", "/events"))

    def act() -> None:
        gateway.wait_until(lambda: len(gateway.of("GET", "/events")) > before)
        gateway.change(list(gateway.jobs)[-1], **fields)

    Thread(target=act).start()


def test_a_deployment_that_works(run: Run, gateway: ScriptedGateway) -> None:
    """The event is handed in as given, and its job named when it has succeeded."""
    settles(gateway, state="succeeded")
    result = run()
    assert result.exit_code == 0
    assert next(iter(gateway.jobs)) in result.stdout
    [sent] = gateway.of("POST")
    assert sent.body == b'{"order": 1}'
    assert sent.headers["authorization"] == "Bearer t"


def test_each_test_is_a_job_of_its_own(run: Run, gateway: ScriptedGateway) -> None:
    """The job of an earlier deployment says nothing of this one."""
    for _ in range(2):
        settles(gateway, state="succeeded")
        assert run().exit_code == 0
    assert len(gateway.jobs) == 2


def test_a_failed_job_is_an_exit_code(run: Run, gateway: ScriptedGateway) -> None:
    """And what was given up is said."""
    settles(gateway, state="failed", failures=[FAILURE])
    result = run()
    assert result.exit_code == 1
    assert "no boxes left" in result.stderr


@pytest.fixture
def a_minute(time: HandWoundTime, mocker: MockerFixture) -> None:
    """The command's own waiting is by hand: the first wait takes a minute, and others no time."""

    def passes() -> None:
        loop = asyncio.get_running_loop()
        time = loop.time
        mocker.patch.object(loop, "time", side_effect=lambda: time() + 60)

    time.meanwhile.append(passes)
    mocker.patch("tidegate.client.client.Pacing", return_value=time.pacing)
    mocker.patch("tidegate_ops.cli.smoke.SmokeTest", partial(SmokeTest, pause=time.pacing.pause))


@pytest.mark.usefixtures("a_minute")
def test_a_job_that_does_not_settle_is_a_failure_in_time(run: Run, gateway: ScriptedGateway) -> None:
    """The message says how far it came, and how to follow it."""
    gateway.streams.append([])  # it breaks off, and the client waits before it goes on
    with pytest.raises(SmokeTestFailed, match=r"accepted, and has not settled within 60 s \(0 of 1 known") as caught:
        run("--timeout", "60")
    assert f"tidegate job show {next(iter(gateway.jobs))} --watch" in str(caught.value)


@pytest.mark.usefixtures("a_minute")
def test_a_gateway_that_never_takes_it_is_a_failure_in_time(run: Run, gateway: ScriptedGateway) -> None:
    """The last refusal is told."""
    gateway.script.extend([says("<html>no</html>", 403)] * 100)
    with pytest.raises(SmokeTestFailed, match=r"not accepted within 60 s; the last error: .*403 Forbidden"):
        run("--timeout", "60")


def test_a_missing_file_is_named(url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(ConfigurationError, match=r"nowhere\.json cannot be read"):
        CliRunner().invoke(app, ["smoke", "order.placed", "nowhere.json", "--url", url], catch_exceptions=False)


@pytest.mark.anyio
async def test_what_comes_right_soon_is_waited_for(
    client: Client, gateway: ScriptedGateway, time: HandWoundTime
) -> None:
    """A service that is not known yet, a role that does not count yet, an instance that does not answer: one job."""
    gateway.script.extend([says("no such service", 404), says("<html>no</html>", 403), fails(503)])
    gateway.lose_answers = 1
    settles(gateway, state="succeeded")
    status = await SmokeTest(client, 30, pause=time.pacing.pause).run("order.placed", b"{}")
    assert status.state is JobState.SUCCEEDED
    assert len(gateway.of("POST")) == 5
    assert len(gateway.jobs) == 1


@pytest.mark.anyio
async def test_what_the_gateway_refuses_is_not_tried_again(client: Client, gateway: ScriptedGateway) -> None:
    """It will not come right by waiting."""
    gateway.script.append(lambda _: problem(404, type="urn:tidegate:problem:unknown-topic"))
    with pytest.raises(SubmissionRefused):
        await SmokeTest(client, 30).run("order.lost", b"{}")
    assert len(gateway.of("POST")) == 1


def test_the_desks_own_event_does_nothing_but_succeed() -> None:
    """What a deployment is tried with goes all the way, and leaves nothing at the desk."""
    project = Project(ROOT)
    unscheduled = project.altered(project.topology().model_copy(update={"schedules": {}}))
    with EmbeddedStack(unscheduled) as stack:
        arguments = ["smoke", "manifest.received", str(ROOT / "infra/smoke.json"), "--url", stack.urls["gateway"]]
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        left = {name: stack.documents(name) for name in ("departures", "airport_hours", "dead_letters")}
        handled = stack.documents("ledger")
    assert result.exit_code == 0, result.output
    assert [name.partition(".")[0] for name in handled] == ["split_manifest"]
    assert left == {"departures": {}, "airport_hours": {}, "dead_letters": {}}
