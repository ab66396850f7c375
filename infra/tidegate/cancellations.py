"""Which jobs somebody has cancelled, as one instance of a function knows it."""

from datetime import datetime, timedelta

from tidegate.clock import Clock
from tidegate.job_ports import Jobs

_KNOWN_FOR = timedelta(seconds=2)
_MOST_KNOWN = 1_000


class Cancellations:
    """Looks jobs up; that one was not cancelled is remembered for a while, to ask once for many of its events."""

    def __init__(self, jobs: Jobs, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock
        self._running: dict[str, datetime] = {}

    async def include(self, job: str) -> bool:
        """Whether somebody asked for the job's end; may be late by `_KNOWN_FOR`.

        Raises:
            StoreUnavailable: nobody knows.
        """
        now = self._clock()
        if self._running.get(job, now) > now:
            return False
        if await self._jobs.cancelled(job):
            return True
        if len(self._running) >= _MOST_KNOWN:
            self._running.clear()
        self._running[job] = now + _KNOWN_FOR
        return False
