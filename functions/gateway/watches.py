"""Watches: one poller for each job that somebody follows, however many follow it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

from representations import Snapshot

from tidegate.errors import StoreUnavailable
from tidegate.job_ports import Jobs

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 3.0
GROWTH = 1.5

Jitter: TypeAlias = Callable[[float], float]


class Watch:
    """A job under observation.

    Attributes:
        latest: the job as it was last read.
        followers: how many follow it now.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.latest = snapshot
        self.followers = 0
        self._changed = asyncio.Event()

    async def newer(self, seen: Snapshot) -> Snapshot:
        """The job as soon as it is no longer as ``seen``; waits for ever once it has settled."""
        while self.latest == seen:
            await self._changed.wait()
        return self.latest

    def show(self, snapshot: Snapshot) -> None:
        """Let all followers see the job as it was just read; what has settled changes no more."""
        if snapshot == self.latest or self.latest.settled:
            return
        self.latest = snapshot
        self._changed.set()
        self._changed = asyncio.Event()

    async def poll(self, jobs: Jobs, jitter: Jitter) -> None:
        """Read the job until it has settled, at growing intervals, half of each left to chance."""
        pause = FIRST_PAUSE_SECONDS
        while not self.latest.settled:
            await asyncio.sleep(pause / 2 + jitter(pause / 2))
            pause = min(pause * GROWTH, LONGEST_PAUSE_SECONDS)
            with suppress(StoreUnavailable):  # no answer this time; the next one will do
                if snapshot := await Snapshot.read(jobs, self.latest.job.id):
                    self.show(snapshot)


class Watches:
    """The jobs that are followed on this instance."""

    def __init__(self, jobs: Jobs, jitter: Jitter) -> None:
        self._jobs = jobs
        self._jitter = jitter
        self._watches: dict[str, tuple[Watch, asyncio.Task[None]]] = {}

    @contextmanager
    def follow(self, snapshot: Snapshot) -> Iterator[Watch]:
        """Observe the job, which was just read; the last follower's leaving ends the polling."""
        job = snapshot.job.id
        if job not in self._watches:
            begun = Watch(snapshot)
            poller = asyncio.get_running_loop().create_task(begun.poll(self._jobs, self._jitter))
            self._watches[job] = begun, poller
        watch, poller = self._watches[job]
        watch.show(snapshot)
        watch.followers += 1
        try:
            yield watch
        finally:
            watch.followers -= 1
            if not watch.followers:
                poller.cancel()
                del self._watches[job]
