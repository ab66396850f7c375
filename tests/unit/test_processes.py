"""Processes start, speak, and end with all that belongs to them."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from tidegate_ops.processes import ManagedProcess, ProcessFailed, stop_all

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', {SLEEPER!r}], stdout=subprocess.DEVNULL)
print(child.pid, flush=True)
time.sleep(60)
"""


def python(code: str, **options: object) -> ManagedProcess:
    return ManagedProcess("sample", [sys.executable, "-c", code], **options)  # type: ignore[arg-type]


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met in time"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    """Whether the process exists and is more than a zombie."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_lines_of_output_and_errors_are_passed_on() -> None:
    """The callback gets each line of both streams, without its end."""
    lines: list[str] = []
    code = "import sys; print('one', flush=True); print('two', file=sys.stderr, flush=True); print('é')"
    with python(code, on_line=lines.append, environment={"PYTHONIOENCODING": "utf-8"}) as process:
        wait_for(lambda: len(lines) == 3)
    assert lines == ["one", "two", "é"]
    assert process.last_lines == ("one", "two", "é")


def test_a_failing_callback_does_not_halt_the_process() -> None:
    """Output goes on being read when it can no longer be shown, so that the pipe never fills."""

    def fail(line: str) -> None:
        raise OSError("closed")

    with python("for n in range(20000): print('x' * 20)", on_line=fail) as process:
        wait_for(lambda: not process.alive)
    assert process.ending == "exit status 0"


def test_the_environment_is_added_to() -> None:
    """A process has the given variables beside those of its parent."""
    code = "import os; print(os.environ['SAMPLE'], 'PATH' in os.environ)"
    with python(code, environment={"SAMPLE": "here"}) as process:
        wait_for(lambda: process.last_lines == ("here True",))


def test_waiting_ends_with_readiness() -> None:
    """Waiting returns as soon as the condition holds."""
    with python(SLEEPER) as process:
        process.wait_ready(lambda: process.last_lines == ("up",), 10)
        assert process.alive


def test_an_early_end_is_explained_by_its_last_output() -> None:
    """A process that dies before it is ready fails the wait with its status and its last lines."""
    code = "import sys; print('no such table'); sys.exit(7)"
    with python(code) as process, pytest.raises(ProcessFailed) as caught:
        process.wait_ready(lambda: False, 10)
    assert "exit status 7" in str(caught.value)
    assert caught.value.output == ("no such table",)


def test_waiting_has_a_deadline() -> None:
    """A process that never gets ready fails the wait with the time that it had."""
    with python(SLEEPER) as process, pytest.raises(ProcessFailed, match=r"not ready after 0\.1 s"):
        process.wait_ready(lambda: False, 0.1)


@pytest.mark.parametrize(("code", "grace", "ending"), [(SLEEPER, 10, "SIGTERM"), (STUBBORN, 0.3, "SIGKILL")])
def test_stopping_is_polite_first(code: str, grace: float, ending: str) -> None:
    """A process is asked to end, and killed only if it does not within the grace."""
    with python(code, grace_seconds=grace) as process:
        process.wait_ready(lambda: process.last_lines == ("up",), 10)
    assert process.ending == f"signal {ending}"
    assert not runs(process.pid)


def test_stopping_reaches_grandchildren() -> None:
    """What a process has started ends with it."""
    with python(PARENT) as process:
        wait_for(lambda: process.last_lines != ())
        child = int(process.last_lines[0])
        assert process.children() == [child]
    wait_for(lambda: not runs(child))


def test_stopping_reaches_what_a_dead_leader_left() -> None:
    """The rest of a group is ended even if its leader was killed before."""
    with python(PARENT) as process:
        wait_for(lambda: process.last_lines != ())
        child = int(process.last_lines[0])
        os.kill(process.pid, signal.SIGKILL)
        wait_for(lambda: not process.alive)
        assert runs(child)
    wait_for(lambda: not runs(child))


def test_a_restart_gives_a_fresh_process() -> None:
    """After a restart another process runs, and only its output counts."""
    with python(SLEEPER) as process:
        process.wait_ready(lambda: process.last_lines == ("up",), 10)
        before = process.pid
        process.restart()
        process.wait_ready(lambda: process.last_lines == ("up",), 10)
        assert process.pid != before
        assert not runs(before)


def test_a_process_survives_the_thread_that_started_it() -> None:
    """Processes are bound to the whole of their parent, not to one of its threads."""
    process = python(SLEEPER)
    starter = threading.Thread(target=process.start)
    starter.start()
    starter.join()
    try:
        process.wait_ready(lambda: process.last_lines == ("up",), 10)
        assert process.alive
    finally:
        process.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_processes_end_when_their_parent_is_killed() -> None:
    """Even a SIGKILL, after which nobody can clean up, leaves no process behind."""
    code = f"""
import sys, time
from tidegate_ops.processes import ManagedProcess
process = ManagedProcess('orphan', [sys.executable, '-c', {SLEEPER!r}])
process.start()
process.wait_ready(lambda: process.last_lines == ('up',), 10)
print(process.pid, flush=True)
time.sleep(60)
"""
    with python(code) as parent:
        wait_for(lambda: parent.last_lines != ())
        orphan = int(parent.last_lines[0])
        assert runs(orphan)
        os.kill(parent.pid, signal.SIGKILL)
        wait_for(lambda: not runs(orphan))


def test_stopping_many_takes_as_long_as_the_slowest() -> None:
    """Several processes are asked to end before any of them is waited for."""
    processes = [python(SLEEPER) for _ in range(3)]
    for process in processes:
        process.start()
    stop_all(processes)
    assert [process.alive for process in processes] == [False] * 3


def test_stopping_what_never_started_is_harmless() -> None:
    """Clean-up need not know how far a start got."""
    python(SLEEPER).stop()


def test_it_is_known_who_listens() -> None:
    """A process is told from others that take connections."""
    code = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1]); time.sleep(60)"
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        python(code, environment={"PYTHONUNBUFFERED": "1"}) as process,
    ):
        wait_for(lambda: process.last_lines != ())
        assert process.listens(int(process.last_lines[0]))
        assert not process.listens(other.getsockname()[1])
    assert not process.listens(int(process.last_lines[0]))
