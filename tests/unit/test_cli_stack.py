"""`tidegate up` and `tidegate publish`, as far as no emulator is needed."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from click.testing import Result
from pytest_mock import MockerFixture
from typer.testing import CliRunner

from tidegate import Contract
from tidegate.errors import ConfigurationError, TidegateError
from tidegate_ops.cli import app, publish, up
from tidegate_ops.cloud_sdk import Missing
from tidegate_ops.project import Project
from tidegate_ops.publishing import InvalidEvents
from tidegate_ops.stack_state import RunningFunction, StackState

Run = Callable[..., Result]


class OrderPlaced(Contract, type="order.placed", version=1):
    order: int


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command inside a small project."""
    topology = tmp_path / "infra" / "topology.yaml"
    topology.parent.mkdir()
    topology.write_text("application: sample\ntopics: {order.placed: {}}\nfunctions: {}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1")
    app = typer.Typer()
    app.command("up")(up.up)
    app.command("publish")(publish.publish)
    return lambda *arguments, **options: CliRunner().invoke(app, arguments, **options)


@pytest.fixture
def sent(mocker: MockerFixture) -> list[dict[str, int]]:
    """The data that was published, instead of publishing it."""
    collected: list[dict[str, int]] = []
    mocker.patch.object(publish, "newest_contract", return_value=OrderPlaced)
    mocker.patch.object(
        publish,
        "publish_messages",
        lambda target, topic, messages, on_published: collected.extend(json.loads(each.data) for each in messages),
    )
    return collected


def failure(result: Result) -> str:
    """The message of the expected failure, which `main` shows."""
    assert isinstance(result.exception, TidegateError)
    return str(result.exception)


def test_missing_emulators_are_named_with_their_command(run: Run, mocker: MockerFixture) -> None:
    """`up` says what to install, and how, and exits with 3."""
    missing = [Missing("Java", "apt-get install java")]
    mocker.patch("tidegate_ops.local_stack.find_missing", return_value=missing)
    result = run("up")
    assert result.exit_code == 3
    assert "Java is missing; install it with: apt-get install java" in result.stderr


def test_what_people_open_is_named_last(http_project: Project, mocker: MockerFixture) -> None:
    """`up` says where functions listen, at which address each HTTP function is, and at which the console."""
    state = StackState.own("sample", http_project.build_dir)
    running = {name: RunningFunction(port=81, pid=1) for name in http_project.topology().functions}
    stack = mocker.MagicMock()
    stack.__enter__.return_value = stack
    stack.state = state.model_copy(update={"functions": running})
    stack.urls = {"front_desk": "http://127.0.0.1:82/"}
    mocker.patch.object(up, "LocalStack", return_value=stack)
    console = mocker.patch.object(up, "ConsoleServer").return_value.__enter__.return_value
    console.metrics_url, console.url = "http://127.0.0.1:83/metrics", "http://127.0.0.1:83/"
    mocker.patch.object(up.threading, "Event").return_value.wait.side_effect = KeyboardInterrupt
    result = CliRunner().invoke(app, ["up"])
    assert "127.0.0.1:81" in result.stdout
    assert result.stdout.splitlines()[-4:] == [
        "metrics:          http://127.0.0.1:83/metrics",
        "front_desk:       http://127.0.0.1:82/",
        "open the console: http://127.0.0.1:83/",
        "stop:             Ctrl-C",
    ]


def test_one_event_is_published_under_its_id(run: Run, sent: list[dict[str, int]]) -> None:
    """The event's id is printed, so that it can be followed."""
    result = run("publish", "order.placed", "-", "--id", "o-1", input='{"order": 1}')
    assert result.stdout.split() == ["o-1"]
    assert sent == [{"order": 1}]


def test_every_line_is_an_event(run: Run, sent: list[dict[str, int]]) -> None:
    """With --lines, each line that is not blank becomes an event of its own."""
    Path("orders").write_text('{"order": 1}\n\n{"order": 2}\n', encoding="utf-8")
    result = run("publish", "order.placed", "orders", "--lines")
    assert len(set(result.stdout.split())) == 2
    assert sent == [{"order": 1}, {"order": 2}]


def test_a_wrong_line_is_named_and_keeps_all_back(run: Run, sent: list[dict[str, int]]) -> None:
    """Nothing is half-published: one wrong line, and no event goes out."""
    result = run("publish", "order.placed", "-", "--lines", input='{"order": 1}\n\n{"order": "x"}\n')
    assert isinstance(result.exception, InvalidEvents)
    assert "standard input:3: does not fit order.placed v1: order" in failure(result)
    assert sent == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-", "--lines", "--id", "x"], "leave one of them out"),
        (["-", "--attribute", "plain"], "write NAME=VALUE"),
        (["-", "--attribute", "ce-id=x"], "ce-id is the event's own"),
        (["-", "--class", "bulk"], "class bulk is not in topology.yaml"),
        (["absent.json"], "absent.json cannot be read"),
    ],
)
def test_wrong_options_are_explained(run: Run, sent: list[dict[str, int]], options: list[str], words: str) -> None:
    """A wrong option fails before anything is published, and says what to write."""
    result = run("publish", "order.placed", *options, input='{"order": 1}')
    assert isinstance(result.exception, ConfigurationError)
    assert words in failure(result)
    assert sent == []
