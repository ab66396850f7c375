"""`tidegate submit`: what goes in is accepted or refused, what comes out is for people and for programs."""

import json
import os
import re
import signal
from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.unit.client.scripted_gateway import GatewayServer, ScriptedGateway, fails
from tidegate.client import GatewayUnavailable
from tidegate.errors import ConfigurationError, TidegateError
from tidegate_ops.cli import app
from tidegate_ops.project import Project
from tidegate_ops.stack_state import RunningFunction, StackState

Run = Callable[..., Result]
FAILURE = {"function": "pack_order", "event_id": "e-1", "fault": "rejected", "reason": "no [boxes] left", "attempts": 3}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Run:
    """Runs `tidegate submit order.placed` in an empty folder, at the gateway of the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEGATE_URL", url)
    return lambda *arguments, **options: CliRunner().invoke(app, ["submit", "order.placed", *arguments], **options)


def settles(gateway: ScriptedGateway, **fields: Any) -> None:
    """Let the one job go on as soon as somebody follows it."""

    def act() -> None:
        gateway.wait_until(lambda: bool(gateway.of("GET", "/events")))
        [job] = gateway.jobs
        gateway.change(job, **fields)

    Thread(target=act).start()


def test_the_job_is_named(run: Run, gateway: ScriptedGateway) -> None:
    """The id is all that is printed, for the next command; options and credentials are sent."""
    options = ("--key", "k", "--idempotency-key", "i", "--callback-url", "https://c.example", "--class", "bulk")
    result = run("-", *options, "--api-key", "secret", input='{"order": 1}')
    assert result.stdout.split() == list(gateway.jobs)
    [sent] = gateway.requests
    assert sent.body == b'{"order": 1}'
    assert (
        sent.headers.items()
        >= {
            "tidegate-ordering-key": "k",
            "idempotency-key": "i",
            "tidegate-callback-url": "https://c.example",
            "tidegate-class": "bulk",
            "x-api-key": "secret",
        }.items()
    )


def test_the_job_is_named_as_json(run: Run, gateway: ScriptedGateway) -> None:
    """Programs get an object."""
    Path("order.json").write_text('{"order": 1}', encoding="utf-8")
    assert json.loads(run("order.json", "--json", "--token", "t").stdout) == {"id": next(iter(gateway.jobs))}
    assert gateway.requests[0].headers["authorization"] == "Bearer t"


def test_waiting_prints_the_result(run: Run, gateway: ScriptedGateway) -> None:
    """Standard output is the result and nothing else."""
    settles(gateway, state="succeeded", result={"boxes": 2})
    result = run("-", "--wait", input='{"order": 1}')
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"boxes": 2}
    assert next(iter(gateway.jobs)) in result.stderr


def test_waiting_may_print_all_of_the_job(run: Run, gateway: ScriptedGateway) -> None:
    """With --json, programs get the job as it ended."""
    settles(gateway, state="succeeded", result=1)
    told = json.loads(run("-", "--wait", "--json", input='{"order": 1}').stdout)
    assert (told["state"], told["result"], told["progress"]) == ("succeeded", 1, {"known": 1, "settled": 0})


def test_a_failed_job_is_an_exit_code(run: Run, gateway: ScriptedGateway) -> None:
    """What was given up is a table on standard error."""
    settles(gateway, state="failed", failures=[FAILURE])
    result = run("-", "--wait", input='{"order": 1}')
    assert result.exit_code == 1
    assert result.stdout == ""
    assert all(word in result.stderr for word in ("pack_order", "no [boxes] left", "failed"))


def test_ctrl_c_ends_the_waiting_alone(run: Run, gateway: ScriptedGateway) -> None:
    """The job goes on, and it is said how to see it again."""

    def interrupt() -> None:
        gateway.wait_until(lambda: bool(gateway.of("GET", "/events")))
        os.kill(os.getpid(), signal.SIGINT)

    # As in a process of its own: here another test's event loop may have claimed the signal for itself.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        Thread(target=interrupt).start()
        result = run("-", "--wait", input='{"order": 1}')
    finally:
        signal.signal(signal.SIGINT, before)
    assert result.exit_code == 130
    assert f"tidegate job show {next(iter(gateway.jobs))} --watch" in result.stderr
    assert gateway.of("DELETE") == []


def test_every_line_is_an_event(run: Run, gateway: ScriptedGateway) -> None:
    """With --lines, each line that is not blank becomes a job; the ids come in the order of the lines."""
    Path("orders").write_text('{"order": 1}\n\n{"order": 2}\n', encoding="utf-8")
    result = run("orders", "--lines")
    assert result.exit_code == 0
    assert result.stdout.split() == list(gateway.jobs)
    assert [each.body for each in gateway.requests] == [b'{"order": 1}\n{"order": 2}']


def test_a_refused_line_is_named(run: Run, gateway: ScriptedGateway) -> None:
    """By its number in the file; the other lines are accepted."""
    gateway.line_answers = {b'{"order": "x"}': deque([422])}
    result = run("-", "--lines", input='{"order": 1}\n\n{"order": "x"}\n{"order": 3}\n')
    assert result.exit_code == 1
    assert len(result.stdout.split()) == 2
    assert "standard input:3: Sorry; /order: should be a number" in result.stderr
    assert "1 refused" in result.stderr


def test_lines_are_told_as_json(run: Run, gateway: ScriptedGateway) -> None:
    """Programs get one object for each line."""
    gateway.line_answers = {b'{"order": "x"}': deque([422])}
    result = run("-", "--lines", "--json", input='{"order": 1}\n{"order": "x"}\n')
    good, bad = map(json.loads, result.stdout.splitlines())
    assert good == {"line": 1, "id": next(iter(gateway.jobs))}
    assert (bad["line"], bad["problem"]["status"]) == (2, 422)


@pytest.mark.parametrize("options", [(), ("--lines",)])
def test_it_says_why_it_waits(run: Run, gateway: ScriptedGateway, options: tuple[str, ...]) -> None:
    """On standard error, while standard output is the ids alone."""
    gateway.script += [fails(503, detail="1,000 jobs [of it] have not settled", retry_after="0")]
    result = run("-", *options, input='{"order": 1}')
    assert result.exit_code == 0
    assert result.stdout.split() == list(gateway.jobs)
    assert re.search(r"waiting 0\.\d s: .* 503 .*: 1,000 jobs \[of it\] have not settled\n", result.stderr)


def test_its_patience_is_an_option(run: Run, gateway: ScriptedGateway) -> None:
    """Without any, it ends with the first refusal, which says how to go on."""
    gateway.script += [fails(429, detail="too fast", retry_after="1")]
    result = run("-", "--patience", "0", "--idempotency-key", "i", input='{"order": 1}')
    assert isinstance(result.exception, GatewayUnavailable)
    assert re.search("too fast.*more patience.*under idempotency key i", str(result.exception))
    assert "waiting" not in result.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-", "--lines", "--wait"], "leave one of them out"),
        (["absent.json"], "absent.json cannot be read"),
        (["-", "--url", "gateway"], "write its URL"),
        (["-", "--key", "naïve"], "printable ASCII"),
    ],
)
def test_wrong_options_are_explained(run: Run, gateway: ScriptedGateway, options: list[str], words: str) -> None:
    """A wrong option fails before anything is submitted, and says what to write."""
    result = run(*options, input='{"order": 1}')
    assert isinstance(result.exception, ConfigurationError)
    assert words in str(result.exception)
    assert gateway.requests == []


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose stack the test makes up."""
    topology = tmp_path / "infra" / "topology.yaml"
    topology.parent.mkdir()
    topology.write_text("application: sample\ntopics: {}\nfunctions: {}\n", encoding="utf-8")
    return Project(tmp_path)


def stack(project: Project, **fields: Any) -> None:
    """Say that a stack runs."""
    StackState.own("sample", project.build_dir / "stack-1").model_copy(update=fields).write(project)


def test_the_local_stack_has_a_gateway(
    run: Run, project: Project, gateway: ScriptedGateway, server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a URL, the running stack's gateway is meant."""
    monkeypatch.delenv("TIDEGATE_URL")
    port = int(server.host.rpartition(":")[2])
    stack(project, pubsub_host="127.0.0.1:1", functions={"gateway": RunningFunction(port=port, pid=1)})
    assert run("-", input='{"order": 1}').stdout.split() == list(gateway.jobs)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (None, "start one with `tidegate up`, or name a gateway with --url"),
        ({}, "still starting"),
        ({"pubsub_host": "127.0.0.1:1"}, "add it to http_functions"),
    ],
)
def test_without_a_gateway_there_is_advice(
    run: Run, project: Project, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any] | None, words: str
) -> None:
    """Each reason why no gateway is found comes with what to do about it."""
    monkeypatch.delenv("TIDEGATE_URL")
    if fields is not None:
        stack(project, **fields)
    result = run("-", input='{"order": 1}')
    assert isinstance(result.exception, TidegateError)
    assert words in str(result.exception)
