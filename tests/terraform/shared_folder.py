"""A folder of all processes that tests run in, for what takes long to make."""

import fcntl
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SharedFolder:
    """What one process has made in it, the others find; meanwhile they wait."""

    path: Path

    def once(self, name: str, make: Callable[[Path], None]) -> Path:
        """The folder of that name; whoever comes first fills it with ``make``, and if that fails, the next one."""
        folder, unfinished = self.path / name, self.path / f"{name}.unfinished"
        self.path.mkdir(exist_ok=True)
        with (self.path / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                make(unfinished)
                unfinished.rename(folder)
        return folder
