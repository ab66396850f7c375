"""What a process has used: time of processors, and memory."""

import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from tidegate.errors import TidegateError

_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)


class Restarted(TidegateError):
    """A process that was measured is gone, and what it used is not known any more."""


class Meter:
    """A process and its descendants, from now on."""

    def __init__(self, pid: int) -> None:
        self._processes = _tree(pid)
        self._pid = pid
        self._before = self._used()
        for process in self._processes:
            _forget_peak(process)

    def cpu_seconds(self) -> float:
        """What all of them have used since, in user and system mode.

        Raises:
            Restarted: one of them is gone.
        """
        return sum(self._used().values()) - sum(self._before.values())

    def peak_megabytes(self) -> float:
        """The most memory that one of them had resident since: the process that handles, beside its small master."""
        return max(map(_peak_bytes, self._processes)) / 1e6

    @staticmethod
    def total_seconds(pid: int) -> float:
        """What a process and its descendants have used since they were started."""
        return sum(map(_cpu_seconds, _tree(pid)))

    def _used(self) -> Mapping[int, float]:
        if _tree(self._pid) != self._processes:
            raise Restarted(f"a process of {self._pid} has ended or started while it was measured")
        return {process: _cpu_seconds(process) for process in self._processes}


def _tree(pid: int) -> list[int]:
    return sorted([pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))])


def _cpu_seconds(pid: int) -> float:
    if sys.platform == "linux":
        # The clock of another process's CPU time, as clock_getcpuclockid(3) composes it; psutil's ticks are of 10 ms.
        return time.clock_gettime((~pid << 3) | 2)
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _forget_peak(pid: int) -> None:
    if sys.platform == "linux":
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak_bytes(pid: int) -> float:
    """Where the system does not keep the peak, what is resident now."""
    if sys.platform == "linux" and (found := _PEAK.search(Path(f"/proc/{pid}/status").read_text())):
        return int(found[1]) * 1024
    return float(psutil.Process(pid).memory_info().rss)
