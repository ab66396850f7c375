"""Showing how far a run is: bars in a terminal, a line every few seconds anywhere else."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

_LINE_SECONDS = 3


class Display(Protocol):
    """Where a run says what it is doing. ``say`` may be called from any thread."""

    def say(self, text: str) -> None:
        """What has been reached, in a line."""
        ...

    def show(self, counts: Mapping[str, tuple[int, int]]) -> None:
        """Name → how much of it is done, and how much there is, which may grow. May be called often."""
        ...


@contextmanager
def open_display(console: Console) -> Iterator[Display]:
    """The display that suits where ``console`` writes to."""
    if not console.is_terminal:
        yield Lines(console)
        return
    with Progress(
        TextColumn("{task.description:<18}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        yield Bars(progress)


class Bars:
    """A bar for each name that has something to do."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def say(self, text: str) -> None:
        self._progress.console.print(text, style="dim", markup=False)

    def show(self, counts: Mapping[str, tuple[int, int]]) -> None:
        for name, (done, total) in counts.items():
            if total and name not in self._tasks:
                self._tasks[name] = self._progress.add_task(name, total=total)
            if name in self._tasks:
                self._progress.update(self._tasks[name], completed=done, total=total)


class Lines:
    """A line every few seconds."""

    def __init__(self, console: Console, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._monotonic = monotonic
        self._shown_at = -float(_LINE_SECONDS)

    def say(self, text: str) -> None:
        self._console.print(text, markup=False)

    def show(self, counts: Mapping[str, tuple[int, int]]) -> None:
        now = self._monotonic()
        if now - self._shown_at < _LINE_SECONDS:
            return
        self._shown_at = now
        self.say("  ".join(f"{name} {done}/{total}" for name, (done, total) in counts.items() if total))
