"""Commands that are ended by Ctrl-C in the middle of their work."""

import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path


def interrupt(command: Sequence[str], folder: Path, *, at: str) -> None:
    """Run a command, interrupt it when a line of its errors holds ``at``, and hold it to how it has to end."""
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            next(line for line in process.stderr if at in line)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()  # nothing, if it has ended
    assert process.returncode == 130
    assert "interrupted; nothing is left running" in errors
