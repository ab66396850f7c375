"""Days as jobs: handed in at the gateway, each of them twice, and followed until they have settled."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, aclosing
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from contracts.flights import DayReceived
from tidegate.client import Client, Job, JobStatus
from tidegate.client.portal import open_portal

EVENTS_OF_A_JOB = 3
"""What passes for a day's job and is returned by no handler: ``day.received``, and when the day's manifests have
settled ``job.advanced`` and ``day.closed``."""


@dataclass(frozen=True, slots=True)
class DayJob:
    """A day's job, as its submitter knows it.

    Attributes:
        day: as 2013-02-08.
        status: what the gateway told of it last.
        accepted_seconds: from the submission until the gateway had accepted it.
        repeated: the job that the same submission became when it was repeated.
        repeated_seconds: how long that took.
    """

    day: str
    status: JobStatus
    accepted_seconds: float
    repeated: str
    repeated_seconds: float


class Submitter:
    """While entered, hands in days at the gateway and follows their jobs, in a thread of its own.

    ``on_news`` is called from that thread with each job when it was accepted, and whenever the gateway tells
    something new of it; ``on_failure`` with what ended all this too early.
    """

    def __init__(
        self,
        url: str,
        days: Sequence[DayReceived],
        *,
        on_news: Callable[[DayJob], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        self._url = url
        self._days = days
        self._on_news = on_news
        self._on_failure = on_failure
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        portal = self._cleanup.enter_context(open_portal("submitter"))
        work = portal.start_task_soon(self._run)
        self._cleanup.callback(work.cancel)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    async def _run(self) -> None:
        try:
            async with Client(self._url) as client:
                # One after the other: the time that each takes is to be its own.
                jobs = [await self._submit(client, day) for day in self._days]
                await asyncio.gather(*(self._follow(job, known) for job, known in jobs))
        except Exception as error:  # whatever it is: somebody waits for these jobs
            self._on_failure(error)

    async def _submit(self, client: Client, day: DayReceived) -> tuple[Job, DayJob]:
        """Submit a day as somebody does who got no answer the first time: again, under the same key."""
        name = day.date.isoformat()
        key = f"demo-{name}"
        began = time.monotonic()
        job = await client.submit(day, idempotency_key=key)
        accepted = time.monotonic()
        async with aclosing(job.updates()) as updates:
            # Who gives up waiting does so after a while; by then the day is known to hold manifests.
            async for status in updates:
                if status.state.settled or status.progress.known > 1:
                    break
        repeating = time.monotonic()
        again = await client.submit(day, idempotency_key=key)
        repeated = time.monotonic()
        known = DayJob(name, await job.status(), accepted - began, again.id, repeated - repeating)
        self._on_news(known)
        return job, known

    async def _follow(self, job: Job, known: DayJob) -> None:
        async with aclosing(job.updates()) as updates:
            async for status in updates:
                self._on_news(replace(known, status=status))
