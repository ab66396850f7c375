"""A breaker per host: one that keeps failing is left alone for a while, then tried with a single call."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

FAILURES = 5
COOL_DOWN_SECONDS = 30.0
LONGEST_COOL_DOWN_SECONDS = 600.0
HOSTS = 10_000
"""How many failing hosts are remembered; beyond it the one that began to fail first is forgotten."""


class Suspended(Exception):
    """The host is not called now; the message says why, and for how long."""


@dataclass(slots=True)
class Call:
    """A call under way; set ``healthy`` once the host has shown that it works."""

    healthy: bool = False


@dataclass(slots=True)
class _Breaker:
    """A host that fails: closed before `FAILURES` in a row, then open until it may be probed, and half-open meanwhile.

    Attributes:
        failures: in a row.
        probe_at: when it may be probed; of no meaning while closed.
    """

    failures: int = 0
    cool_down: float = 0.0
    probe_at: float = 0.0
    probing: bool = False


class Breakers:
    """The breakers of one process. A host without one is healthy, as far as is known here."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failing: dict[str, _Breaker] = {}

    @contextmanager
    def call(self, host: str) -> Iterator[Call]:
        """Do one call to ``host`` inside; it counts as failed unless it is marked as healthy.

        Calls end before the shortest cool-down does, so whatever ends during a probe is the probe.

        Raises:
            Suspended: the host has failed too often, and its cool-down or its probe is under way.
        """
        self._admit(host)
        call = Call()
        try:
            yield call
        finally:
            if call.healthy:
                self._failing.pop(host, None)
            else:
                self._failed(host)

    def _admit(self, host: str) -> None:
        breaker = self._failing.get(host)
        if breaker is None or breaker.failures < FAILURES:
            return
        left = breaker.probe_at - self._clock()
        if left > 0:
            raise Suspended(f"{host} failed {breaker.failures} times in a row: it is left alone for {left:.0f} s more")
        if breaker.probing:
            raise Suspended(f"{host} failed {breaker.failures} times in a row: one call is finding out how it is now")
        breaker.probing = True

    def _failed(self, host: str) -> None:
        if host not in self._failing and len(self._failing) >= HOSTS:
            del self._failing[next(iter(self._failing))]
        breaker = self._failing.setdefault(host, _Breaker())
        breaker.failures += 1
        if breaker.failures == FAILURES or breaker.probing:
            breaker.cool_down = min(max(COOL_DOWN_SECONDS, breaker.cool_down * 2), LONGEST_COOL_DOWN_SECONDS)
            breaker.probe_at = self._clock() + breaker.cool_down
            breaker.probing = False
