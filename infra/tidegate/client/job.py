"""A job, as something to wait for."""

import asyncio
import concurrent.futures
import logging
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing
from typing import Any

from tidegate.client import watching
from tidegate.client.errors import GatewayUnavailable
from tidegate.client.gateway import Gateway, job_path
from tidegate.client.job_status import JobStatus
from tidegate.errors import TidegateError

_log = logging.getLogger("tidegate.client")


class Job:
    """Work that the gateway has accepted; made by a client, and of use while that is open.

    ``await job`` gives the job's result once everything that it caused has settled, as often and from as many
    tasks as one likes. To stop waiting does not stop the job.

    Attributes:
        id: by which `Client.job` finds it again, from anywhere.
        latest: the job as it was when the gateway last told of it; None before that.
    """

    def __init__(self, gateway: Gateway, job_id: str) -> None:
        self.id = job_id
        self.latest: JobStatus | None = None
        self._gateway = gateway
        self._watch: asyncio.Task[JobStatus] | None = None

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.latest.state if self.latest else 'accepted'}>"

    def __await__(self) -> Generator[Any, None, Any]:
        """Wait until it has settled; returns what a handler returned as `Result`, None where none did.

        Raises:
            JobFailed: some of its work was given up.
            JobCancelled: somebody cancelled it.
            JobNotFound: the gateway knows no such job.
            GatewayUnavailable: the gateway was away for longer than the client is patient; to await again goes on.
        """
        return self._value().__await__()

    def future(self) -> concurrent.futures.Future[Any]:
        """The same as a future for other threads: waiting for it in the event loop's own thread would never end."""
        return asyncio.run_coroutine_threadsafe(self._value(), self._gateway.loop)

    def add_done_callback(self, callback: Callable[["Job"], object]) -> None:
        """Have ``callback`` called with this job, once, in the event loop, when it has settled.

        By then `latest` tells how it ended. What the callback raises is logged.
        """
        self._gateway.spawn(self._call_back(callback))

    async def updates(self) -> AsyncGenerator[JobStatus, None]:
        """The job, whenever it has changed. The last one has settled; how it ended raises nothing here.

        Raises:
            JobNotFound, GatewayUnavailable: as awaiting the job does.
        """
        async with aclosing(watching.updates(self._gateway, self.id)) as news:
            async for status in news:
                self.latest = status
                yield status

    async def status(self) -> JobStatus:
        """The job as of now; raises JobNotFound or GatewayUnavailable where there is no telling."""
        self.latest = await watching.read(self._gateway, self.id)
        return self.latest

    async def cancel(self) -> JobStatus:
        """Ask for an early end: what has not started is left out, what runs is not interrupted.

        A job that has settled stays as it is. Raises what `status` raises.
        """
        self.latest = watching.status_of(self.id, await self._gateway.send("DELETE", job_path(self.id)))
        return self.latest

    async def _value(self) -> Any:
        return (await self._settled()).value()

    async def _settled(self) -> JobStatus:
        """The job once it has settled; all who wait share one watch."""
        if self.latest and self.latest.settled:
            return self.latest
        if self._watch is None or self._watch.done():
            self._watch = self._gateway.spawn(self._follow())
        # Whoever stops waiting must not end it for the others.
        return await asyncio.shield(self._watch)

    async def _follow(self) -> JobStatus:
        async with aclosing(watching.poll(self._gateway, self.id)) as news:
            async for status in news:
                self.latest = status
        return status

    async def _call_back(self, callback: Callable[["Job"], object]) -> None:
        settled = False
        while not settled:
            try:
                settled = (await self._settled()).settled
            except GatewayUnavailable as error:
                _log.warning("still waiting for job %s to call back: %s", self.id, error)
            except TidegateError as error:
                _log.error("nobody is called back for job %s: %s", self.id, error)
                return
        try:
            callback(self)
        except Exception:
            _log.exception("the callback for job %s failed", self.id)
