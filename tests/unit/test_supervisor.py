"""Functions that end are started again."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from tidegate_ops.function_service import FunctionService, Source
from tidegate_ops.processes import ManagedProcess, stop_all
from tidegate_ops.supervisor import Patience, Supervisor

SLEEPER = "import time; time.sleep(60)"
SECONDS = 10


def service(name: str, tmp_path: Path) -> FunctionService:
    """A function whose server is replaced by a line of Python."""
    made = FunctionService(
        name, Source(tmp_path, tmp_path, tmp_path), port=1, environment={}, on_line=lambda line: None
    )
    made.process = ManagedProcess(name, [sys.executable, "-c", SLEEPER])
    return made


@pytest.fixture
def services(tmp_path: Path) -> Iterator[list[FunctionService]]:
    """Two running functions."""
    made = [service(name, tmp_path) for name in ("one", "two")]
    for each in made:
        each.process.start()
    yield made
    stop_all(each.process for each in made)


@pytest.fixture
def told() -> "Queue[tuple[str, str]]":
    """What the supervisor says, in order."""
    return Queue()


@pytest.fixture
def supervisor(services: list[FunctionService], told: "Queue[tuple[str, str]]") -> Iterator[Supervisor]:
    """A supervisor at work."""
    made = Supervisor(services, on_line=lambda name, line: told.put((name, line)), on_restart=lambda: None)
    made.start()
    yield made
    made.close()


@pytest.mark.usefixtures("supervisor")
def test_a_function_that_ends_is_started_again(services: list[FunctionService], told: "Queue[tuple[str, str]]") -> None:
    """A killed process is replaced, and the log says so; the others go on."""
    killed, other = (each.process.pid for each in services)
    os.kill(killed, signal.SIGKILL)
    assert told.get(timeout=SECONDS) == ("one", "ended with signal SIGKILL; started again")
    assert services[0].process.pid != killed
    assert services[1].process.pid == other


def test_a_function_that_keeps_ending_is_restarted_ever_more_slowly() -> None:
    """A crash loop does not occupy the machine: each pause is longer than the one before, up to a limit."""
    patience, now, pauses = Patience(), 1000.0, []
    for _ in range(8):
        patience.spend(now)
        pauses.append(patience.pause)
        now = patience.not_before
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    patience.spend(now + 60)
    assert patience.pause == 0.2


def test_a_wanted_restart_replaces_only_what_is_named(
    supervisor: Supervisor, services: list[FunctionService], told: "Queue[tuple[str, str]]"
) -> None:
    """An edit of one function restarts that one."""
    one, two = (each.process.pid for each in services)
    supervisor.restart(["two", "two"])
    assert told.get(timeout=SECONDS) == ("two", "reloaded")
    assert services[0].process.pid == one
    assert services[1].process.pid != two


def test_nothing_is_restarted_after_closing(supervisor: Supervisor, services: list[FunctionService]) -> None:
    """Once closed, what ends stays ended."""
    supervisor.close()
    stop_all(each.process for each in services)
    assert not any(each.process.alive for each in services)
