"""One function, served by functions-framework in a process of its own, as Cloud Run would."""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tidegate.http_entry import READY_PATH
from tidegate_ops.processes import ManagedProcess, ProcessFailed, answers

_READY_SECONDS = 30
_GRACE_SECONDS = 10  # as Cloud Run gives


@dataclass(frozen=True, slots=True)
class Source:
    """What a function is started from.

    Attributes:
        folder: holds its ``main.py``.
        import_path: where `tidegate` and `contracts` are imported from, before any that is installed.
        runtime_dir: a folder that its server may put its own files into.
    """

    folder: Path
    import_path: Path
    runtime_dir: Path


class FunctionService:
    """A function at ``http://127.0.0.1:port/``; with ``http``, one that answers requests of people and clients."""

    def __init__(
        self,
        name: str,
        source: Source,
        *,
        port: int,
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
        http: bool = False,
    ) -> None:
        self.name = name
        self.port = port
        self._ready_path = READY_PATH if http else "/"
        self.process = ManagedProcess(
            name,
            _command(name, source, port),
            directory=source.folder,
            environment={
                **environment,
                "PYTHONPATH": str(source.import_path),
                "PYTHONUNBUFFERED": "1",
                "PYTHONDONTWRITEBYTECODE": "1",
                # Where gunicorn puts its control socket; otherwise all functions would share one in the home folder.
                "XDG_RUNTIME_DIR": str(source.runtime_dir),
            },
            on_line=on_line,
            grace_seconds=_GRACE_SECONDS,
        )

    @property
    def url(self) -> str:
        """Where it is called; of a function of events, where its messages are pushed to."""
        return f"http://127.0.0.1:{self.port}/"

    def wait_ready(self) -> None:
        """Return once it answers.

        Raises:
            ProcessFailed: it ended or did not answer in time; the message holds its last lines.
        """
        self.process.wait_ready(self._is_ready, _READY_SECONDS)

    def kill(self, number: signal.Signals = signal.SIGKILL, *, worker: bool = True) -> None:
        """Send a signal to the process that handles messages, or to the server's master that watches over it.

        Raises:
            ProcessFailed: there is no such process at this moment.
        """
        targets = self.process.children() if worker else [self.process.pid]
        if not targets:
            raise ProcessFailed(f"{self.name} has no worker to kill", self.process.last_lines)
        for pid in targets:
            os.kill(pid, number)

    def _is_ready(self) -> bool:
        # Whoever answers may be the same function of another stack.
        return answers(f"127.0.0.1:{self.port}", self._ready_path) and self.process.listens(self.port)


def _command(name: str, source: Source, port: int) -> list[str]:
    main = str(source.folder / "main.py")
    where = ["--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "functions_framework", "--target", name, "--source", main, *where]
