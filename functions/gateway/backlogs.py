"""Backlogs: how many jobs of a topic may be under way when one more is accepted.

What is known of a backlog is one instance's view, a second old at most: what it counted, and what it
has accepted since. Instances that accept at the same time see one another with the next counting.
"""

import asyncio
import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from problems import Kind, Problem

from tidegate.errors import StoreUnavailable
from tidegate.jobs import Job, NewJob
from tidegate.sites import Site

REMEMBERED_SECONDS = 1.0
COUNT_SECONDS = 2.0
"""So long a submission waits for a counting at most."""
RETRY_SECONDS = 5

_log = logging.getLogger(__name__)


class Backlogs:
    """Accepts jobs for as long as fewer of their topic are under way than the topology allows."""

    def __init__(self, site: Site) -> None:
        self._jobs = site.ports.jobs
        self._backlogs = {topic: _Backlog(site, topic, most) for topic, most in site.config.max_unsettled_jobs.items()}

    async def accept(self, new: NewJob, *, repeatable: bool) -> Job:
        """Keep the job; or return the one that is there under its id, whether there is room or not.

        Args:
            repeatable: whether there may be one already.

        Raises:
            Problem: there is no room; nothing is kept.
            StoreUnavailable: no clear answer; it may be kept.
        """
        backlog = self._backlogs.get(new.event.topic)
        if backlog is None:
            return await self._jobs.accept(new)
        if await backlog.is_full():
            known = await self._jobs.read(new.id) if repeatable else None
            if known is None:
                raise backlog.problem
            return known
        with backlog.place() as place:
            job = await self._jobs.accept(new)
            place.used = job.version is None
            return job


class _Place:
    """Room for one job, taken until the next counting; given back if it turns out not to be ``used``."""

    used = True


class _Backlog:
    """The unsettled jobs of one topic, as this instance knows them."""

    def __init__(self, site: Site, topic: str, most: int) -> None:
        self._jobs = site.ports.jobs
        self._clock = site.ports.clock
        self._retention = timedelta(days=site.config.retention_days)
        self._topic = topic
        self._most = most
        self._room = 0.0
        self._entering = 0
        self._outdated_at = -math.inf
        self._counting = asyncio.Lock()

    @property
    def problem(self) -> Problem:
        """What is said to whom there is no room for."""
        return Problem(
            Kind.BACKLOG_FULL,
            f"{self._most:,} jobs of {self._topic} have not settled, and no more are accepted until some have: come "
            "again later",
            retry_after=RETRY_SECONDS,
            topic=self._topic,
            max_unsettled_jobs=self._most,
        )

    async def is_full(self) -> bool:
        """Whether there is no room for one more."""
        async with self._counting:
            if _now() >= self._outdated_at:
                await self._count()
        return self._room < 1

    @contextmanager
    def place(self) -> Iterator[_Place]:
        """Room for one job; take it at once after `is_full` has found some."""
        place = _Place()
        self._room -= 1
        self._entering += 1
        try:
            yield place
        finally:
            self._entering -= 1
            if not place.used:
                self._room += 1

    async def _count(self) -> None:
        """Find out anew how much room there is. What cannot be counted has room: the bound is not worth an outage."""
        entering = self._entering  # these may be among those that are counted, or not
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                # Older ones hardly go on: Pub/Sub has dropped what they wait for, unless it was delayed or is redriven.
                found = await self._jobs.unsettled(self._topic, self._clock() - self._retention, self._most)
            self._room = self._most - found - entering
        except (StoreUnavailable, TimeoutError) as error:
            _log.warning("the jobs of %s cannot be counted, and are accepted without a bound: %s", self._topic, error)
            self._room = math.inf
        self._outdated_at = _now() + REMEMBERED_SECONDS


def _now() -> float:
    return asyncio.get_running_loop().time()
