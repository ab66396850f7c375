"""The client for programs without an event loop: the same one, run in a thread of its own."""

import concurrent.futures
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from anyio.from_thread import BlockingPortal

from tidegate.client.client import Client, Outcome
from tidegate.client.job import Job
from tidegate.client.job_status import JobStatus
from tidegate.client.pacing import PATIENCE_SECONDS, OnWait
from tidegate.client.portal import open_portal
from tidegate.errors import ConfigurationError

P = ParamSpec("P")
T = TypeVar("T")


class SyncJob:
    """A `Job` for threads."""

    def __init__(self, job: Job, portal: BlockingPortal) -> None:
        self._job = job
        self._portal = portal

    @property
    def id(self) -> str:
        """By which `SyncClient.job` finds it again, from anywhere."""
        return self._job.id

    def result(self, timeout: float | None = None) -> Any:
        """What ``await job`` gives, or raises.

        Raises:
            TimeoutError: it has not settled within ``timeout`` seconds; it goes on.
        """
        future = self.future()
        try:
            return future.result(timeout)
        finally:
            future.cancel()

    def future(self) -> concurrent.futures.Future[Any]:
        """See `Job.future`."""
        return self._job.future()

    def updates(self) -> Iterator[JobStatus]:
        """See `Job.updates`."""
        return _iterate(self._portal, self._job.updates())

    def status(self) -> JobStatus:
        """See `Job.status`."""
        return self._portal.call(self._job.status)

    def cancel(self) -> JobStatus:
        """See `Job.cancel`."""
        return self._portal.call(self._job.cancel)


def _submits(
    method: Callable[Concatenate[Client, P], Awaitable[Job]],
) -> "Callable[Concatenate[SyncClient, P], SyncJob]":
    @wraps(method)
    def submit(self: "SyncClient", /, *args: P.args, **kwargs: P.kwargs) -> SyncJob:
        return self._job(self._portal.call(lambda: method(self._client, *args, **kwargs)))

    return submit


def _submits_many(
    method: Callable[Concatenate[Client, P], AsyncGenerator[Outcome[Job], None]],
) -> "Callable[Concatenate[SyncClient, P], Iterator[Outcome[SyncJob]]]":
    @wraps(method)
    def submit_many(self: "SyncClient", /, *args: P.args, **kwargs: P.kwargs) -> Iterator[Outcome[SyncJob]]:
        for each in _iterate(self._portal, method(self._client, *args, **kwargs)):
            yield Outcome(each.position, self._job(each.job) if each.job else None, each.refusal)

    return submit_many


class SyncClient:
    """A `Client` for threads, any number of them; takes the same arguments::

    with SyncClient(url) as client:
        print(client.submit(order).result(timeout=60))
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str = "",
        token: Callable[[], str] | None = None,
        timeout: float = 10.0,
        patience: float = PATIENCE_SECONDS,
        on_wait: OnWait | None = None,
    ) -> None:
        self._client = Client(url, api_key=api_key, token=token, timeout=timeout, patience=patience, on_wait=on_wait)
        self._open: tuple[ExitStack, BlockingPortal] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            portal = stack.enter_context(open_portal("tidegate-client"))
            stack.enter_context(portal.wrap_async_context_manager(self._client))
            self._open = stack.pop_all(), portal
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close connections, and end all waiting."""
        assert self._open
        (stack, _), self._open = self._open, None
        stack.__exit__(kind, error, trace)

    submit = _submits(Client.submit)
    submit_many = _submits_many(Client.submit_many)

    def job(self, job_id: str) -> SyncJob:
        """See `Client.job`."""
        return self._job(self._client.job(job_id))

    @property
    def _portal(self) -> BlockingPortal:
        if self._open is None:
            raise ConfigurationError("the client is not open: use it inside `with SyncClient(…) as client`")
        return self._open[1]

    def _job(self, job: Job) -> SyncJob:
        return SyncJob(job, self._portal)


def _iterate(portal: BlockingPortal, source: AsyncGenerator[T, None]) -> Iterator[T]:
    """The items of an asynchronous generator, which runs in the portal's loop."""
    try:
        while True:
            yield portal.call(source.__anext__)
    except StopAsyncIteration:
        return
    finally:
        portal.call(source.aclose)
