"""What was measured again and again while something happened."""

import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self


class Recorder:
    """While entered, asks every probe at once and then twice a second, in a thread of its own; one that fails counts as
    its last value.

    Attributes:
        times: seconds since it was entered.
        values: name → what its probe said, one value for each time.
    """

    def __init__(self, probes: Mapping[str, Callable[[], float]], every_seconds: float = 0.5) -> None:
        self.times: list[float] = []
        self.values: dict[str, list[float]] = {name: [] for name in probes}
        self._probes = probes
        self._every_seconds = every_seconds
        self._began = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    @property
    def now(self) -> float:
        """Seconds since it was entered."""
        return time.monotonic() - self._began

    def between(self, name: str, begin: float, end: float) -> list[float]:
        """The values of one probe in a span of time, from the one that it had when that began."""
        first = max(0, bisect_right(self.times, begin) - 1)
        return self.values[name][first : bisect_left(self.times, end)]

    def _run(self) -> None:
        over = False
        while not over:
            at = self.now
            for name, probe in self._probes.items():
                values = self.values[name]
                try:
                    values.append(probe())
                except Exception:  # a busy emulator or partner: the experiment goes on
                    values.append(values[-1] if values else 0.0)
            self.times.append(at)
            over = self._over.wait(self._every_seconds)


def rates(times: Sequence[float], totals: Sequence[float]) -> list[float]:
    """How fast a running total grew, per second, at each time."""
    spans = zip(times, times[1:], totals, totals[1:], strict=False)
    return [0.0, *((after - before) / max(end - begin, 1e-9) for begin, end, before, after in spans)][: len(times)]
