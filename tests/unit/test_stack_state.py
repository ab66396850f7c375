"""A running stack is found by what it wrote, a dead one is not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tidegate_ops.project import Project
from tidegate_ops.stack_state import RunningFunction, StackState


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project."""
    return Project(tmp_path)


def test_what_is_written_is_found(project: Project) -> None:
    """Other commands find hosts, ports and processes of a stack that runs."""
    state = StackState.own("sample", project.build_dir / "stack-1").model_copy(
        update={"pubsub_host": "127.0.0.1:1", "functions": {"f": RunningFunction(port=2, pid=3)}}
    )
    state.write(project)
    assert StackState.find(project) == state
    assert state.ready


def test_a_stack_that_starts_is_not_ready(project: Project) -> None:
    """While it starts, a stack is alive but not ready."""
    state = StackState.own("sample", project.build_dir)
    assert state.alive
    assert not state.ready


def test_a_dead_stack_is_not_found(project: Project) -> None:
    """The state of a process that has ended can be read, to clean up after it, but is not found."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    state = StackState.own("sample", project.build_dir).model_copy(update={"pid": ended.pid})
    state.write(project)
    assert StackState.find(project) is None
    assert StackState.read(project) == state


def test_another_process_of_the_same_id_is_not_taken_for_the_stack(project: Project) -> None:
    """Process ids are used again: the start time has to fit too."""
    state = StackState.own("sample", project.build_dir).model_copy(update={"started": "Fri Feb  8 06:00:00 2013"})
    assert not state.alive


@pytest.mark.parametrize("content", [None, "", "{}", "not json"])
def test_what_cannot_be_read_is_no_stack(project: Project, content: str | None) -> None:
    """A missing or foreign file is no state."""
    if content is not None:
        project.build_dir.mkdir()
        (project.build_dir / "stack.json").write_text(content, encoding="utf-8")
    assert StackState.read(project) is None


def test_removing_twice_is_harmless(project: Project) -> None:
    """Clean-up need not know whether the state was ever written."""
    StackState.own("sample", project.build_dir).write(project)
    StackState.remove(project)
    StackState.remove(project)
    assert StackState.read(project) is None
