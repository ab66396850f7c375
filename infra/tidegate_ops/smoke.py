"""A smoke test of a deployment: an event goes in at the gateway, and its job must settle in time."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

from tidegate.client import Client, Job, JobStatus
from tidegate.client.errors import GatewayUnavailable, RequestRefused
from tidegate.client.problem import Problem
from tidegate.errors import TidegateError

_PAUSE_SECONDS = 2.0
# What Cloud Run says in the gateway's place while a new service, or a role that was just granted, is not known yet.
_NOT_YET = frozenset({401, 403, 404})


class SmokeTestFailed(TidegateError):
    """The time is over, and the job has not settled; the message says how far it came."""


class SmokeTest:
    """One try of the whole way: gateway, Firestore, Pub/Sub, a function, and back to the job.

    Args:
        client: of the gateway; impatient, since what fails here is tried again anyway.
        seconds: how long all of it may take.
    """

    def __init__(
        self, client: Client, seconds: float, *, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._client = client
        self._seconds = seconds
        self._pause = pause
        # One key for every try, so that it stays one job; a new one each time, or the last test's job would answer.
        self._key = f"smoke-{uuid4().hex}"
        self._job: Job | None = None
        self._last: TidegateError | None = None

    async def run(self, topic: str, data: bytes) -> JobStatus:
        """Submit the event and follow its job; returns it settled, however it ended.

        Raises:
            SubmissionRefused: the gateway takes no such event.
            SmokeTestFailed: time is over.
        """
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    try:
                        return await self._once(topic, data)
                    except GatewayUnavailable as error:
                        self._last = error
                    except RequestRefused as error:
                        if not _may_pass(error.problem):
                            raise
                        self._last = error
                    await self._pause(_PAUSE_SECONDS)
        except TimeoutError:
            raise SmokeTestFailed(self._how_far(topic)) from self._last

    async def _once(self, topic: str, data: bytes) -> JobStatus:
        self._job = job = self._job or await self._client.submit(topic=topic, data=data, idempotency_key=self._key)
        self._last = None
        while not (job.latest and job.latest.settled):
            async for _ in job.updates():
                pass
        return job.latest

    def _how_far(self, topic: str) -> str:
        cause = f"; the last error: {self._last}" if self._last else ""
        if self._job is None:
            return (
                f"{topic} was not accepted within {self._seconds:g} s{cause}. A role that was just granted "
                "may take minutes to count: try again, with a longer --timeout"
            )
        progress = self._job.latest.progress if self._job.latest else None
        known = f" ({progress.settled:,} of {progress.known:,} known units of work have)" if progress else ""
        return (
            f"job {self._job.id} was accepted, and has not settled within {self._seconds:g} s{known}{cause}. "
            f"Look at the functions' logs; to follow it: tidegate job show {self._job.id} --watch"
        )


def _may_pass(problem: Problem) -> bool:
    """Whether it was not the gateway that refused, but what stands in front of it."""
    return not problem.type and problem.status in _NOT_YET
