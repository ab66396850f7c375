"""Processes that the local stack starts: watched while they run, gone when it ends."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from tidegate.errors import TidegateError
from tidegate_ops import leash

_log = logging.getLogger(__name__)
_KEPT_LINES = 40
_POLL_SECONDS = 0.05

# The parent-death signal of `leash` follows the *thread* that started a process, not the whole parent.
# One thread that lives as long as the interpreter starts them all, so any thread may ask for a start.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="process-starter")


class ProcessFailed(TidegateError):
    """A process ended early or did not get ready in time; the message ends with its last output.

    Attributes:
        output: the lines that it wrote last.
    """

    def __init__(self, message: str, output: Sequence[str]) -> None:
        super().__init__("\n".join([message, *(f"  {line}" for line in output)]))
        self.output = tuple(output)


class ManagedProcess:
    """One process in a session of its own, so that a terminal's Ctrl-C reaches it only through us.

    ``on_line`` gets every line of its output and errors, without the line's end, in a thread of the process's own.
    ``environment`` is added to this process's environment.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        on_line: Callable[[str], None] | None = None,
        grace_seconds: float = 5,
    ) -> None:
        self.name = name
        self._command = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), *command]
        self._environment = {**os.environ, **(environment or {})}
        self._directory = directory
        self._on_line = on_line
        self._grace_seconds = grace_seconds
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._starting: Future[None] | None = None
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    @property
    def pid(self) -> int:
        """The process's id, which is also its group's.

        Raises:
            ProcessFailed: it was never started.
        """
        if self._process is None:
            raise ProcessFailed(f"{self.name} is not started", ())
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def ending(self) -> str:
        """How it ended, in words; empty while it runs."""
        status = self._process.poll() if self._process else None
        if status is None:
            return ""
        return f"signal {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"

    @property
    def last_lines(self) -> tuple[str, ...]:
        """The end of its output since the last start."""
        return tuple(self._lines)

    def start(self) -> None:
        """Start it; returns as soon as it exists, long before it is ready."""
        self._lines.clear()
        self._starting = _starter.submit(self._start)
        self._starting.result()

    def wait_ready(self, ready: Callable[[], bool], timeout_seconds: float) -> None:
        """Return once ``ready()`` holds.

        Raises:
            ProcessFailed: it ended, or the time was up, before that.
        """
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if not self.alive:
                self._join_reader()
                raise ProcessFailed(f"{self.name} ended before it was ready ({self.ending}):", self.last_lines)
            if time.monotonic() > deadline:
                raise ProcessFailed(f"{self.name} is not ready after {timeout_seconds:g} s:", self.last_lines)
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End it and every process of its group: politely, then after the grace by force."""
        if self._starting is None:
            return
        wait([self._starting])  # whoever started it may have been interrupted before it existed
        if self._process is None:
            return
        self.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(self._grace_seconds)
        self._signal_group(signal.SIGKILL)
        self._process.wait()
        self._join_reader()

    def restart(self) -> None:
        """Stop it, whatever is left of it, and start it again."""
        self.stop()
        self.start()

    def terminate(self) -> None:
        """Ask it to end, without waiting."""
        if self.alive:
            self._signal_group(signal.SIGTERM)

    def children(self) -> list[int]:
        """The ids of its living child processes."""
        try:
            return [child.pid for child in psutil.Process(self.pid).children() if child.is_running()]
        except psutil.NoSuchProcess:
            return []

    def listens(self, port: int) -> bool:
        """Whether it is this very process that takes connections at a port; another may have won it."""
        try:
            connections = psutil.Process(self.pid).net_connections("tcp")
        except psutil.Error:
            return False
        return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in connections)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(
            target=self._read, args=(self._process,), name=f"{self.name}-output", daemon=True
        )
        self._reader.start()

    def _signal_group(self, number: signal.Signals) -> None:
        # The group outlives its leader as long as a child does; macOS answers EPERM for one of zombies.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        on_line = self._on_line
        with process.stdout as output:
            for line in output:
                text = line.rstrip("\n")
                self._lines.append(text)
                try:
                    if on_line:
                        on_line(text)
                except Exception:
                    # Go on reading all the same: a full pipe would halt the process.
                    _log.exception("the output of %s can no longer be shown", self.name)
                    on_line = None

    def _join_reader(self) -> None:
        if self._reader:
            self._reader.join(timeout=self._grace_seconds)


def stop_all(processes: Iterable[ManagedProcess]) -> None:
    """Stop them side by side: it takes as long as the slowest."""
    stopping = list(processes)
    for process in stopping:
        process.terminate()
    for process in stopping:
        process.stop()


def answers(host: str, path: str = "/", *, timeout_seconds: float = 1) -> bool:
    """Whether a ``GET`` of ``path`` on ``host`` (``address:port``) is answered with 200."""
    with closing(HTTPConnection(host, timeout=timeout_seconds)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
