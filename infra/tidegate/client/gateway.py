"""The connection to one gateway: addresses, credentials, tries."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from tidegate.client.errors import GatewayUnavailable
from tidegate.client.pacing import Attempts, OnWait, Pacing
from tidegate.client.problem import Problem
from tidegate.client.turns import CONNECTIONS, Turns
from tidegate.errors import ConfigurationError

T = TypeVar("T")

_log = logging.getLogger("tidegate.client")

# 500, 502 and 504 are what a load balancer says while instances come and go. All that is sent here may be sent again.
PASSING = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses that say nothing of the request itself."""
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Gateway:
    """Sends requests that may be repeated, and repeats them until one is answered.

    While entered it is bound to the running event loop, and so are the tasks that it keeps.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str,
        token: Callable[[], str] | None,
        timeout: float,
        patience: float,
        pacing: Pacing,
        on_wait: OnWait | None,
    ) -> None:
        if not _is_address(url):
            raise ConfigurationError(f"{url!r} is no gateway's address: write its URL, such as https://gateway.example")
        self.url = url.rstrip("/")
        self.pacing = pacing
        self.turns = Turns()
        self._patience = patience
        self._on_wait = on_wait
        self._api_key = api_key
        self._token = token
        self._timeout = timeout
        self._http = httpx.AsyncClient(limits=httpx.Limits(max_connections=CONNECTIONS))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.__aexit__(kind, error, trace)
        self._loop = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that it is bound to."""
        if self._loop is None:
            raise ConfigurationError("the client is not open: use it inside `async with Client(…) as client`")
        return self._loop

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run ``work`` for as long as the gateway is entered, at most."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def attempts(self) -> Attempts:
        """The tries of a request that begins now."""
        return Attempts(self.pacing, self._patience, self._on_wait)

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        content: bytes | None = None,
        wait: float = 0,
    ) -> httpx.Response:
        """Send a request that may be sent again, until it is answered; a refusal is an answer.

        ``wait`` is how many seconds longer than others the gateway may take.

        Raises:
            GatewayUnavailable: nothing but failures for as long as the client is patient.
        """
        attempts = self.attempts()
        while True:
            try:
                async with self.stream(method, path, headers=headers, content=content, wait=wait) as response:
                    return response
            except GatewayUnavailable as error:
                _log.debug("%s %s: %s", method, path, error)
                await attempts.pause_after(error)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        content: bytes | None = None,
        wait: float = 0,
    ) -> AsyncIterator[httpx.Response]:
        """Send a request once. What is no event stream has been read when the response is handed out.

        Raises:
            GatewayUnavailable: there was no answer, none that says anything of the request, or it broke off.
        """
        assert self.loop is asyncio.get_running_loop(), "a client belongs to the event loop that it was opened in"
        # There are more connections than long requests take: one gets free soon.
        timeout = httpx.Timeout(self._timeout, read=self._timeout + wait, pool=None)
        headers = {**headers, **await self._credentials()}
        try:
            async with self._http.stream(
                method, self.url + path, headers=headers, content=content, timeout=timeout
            ) as response:
                if not is_event_stream(response):
                    await response.aread()
                if response.status_code in PASSING:
                    raise GatewayUnavailable(
                        f"{self.url} answered {_words(response)}", retry_after=_retry_after(response)
                    )
                yield response
        except httpx.TransportError as error:
            cause = str(error) or "no answer in time"
            raise GatewayUnavailable(f"{self.url} cannot be reached ({type(error).__name__}: {cause})") from error

    async def _credentials(self) -> dict[str, str]:
        headers = {"X-API-Key": self._api_key} if self._api_key else {}
        if self._token:
            # In a thread: a new token may have to be fetched first.
            headers["Authorization"] = f"Bearer {await asyncio.to_thread(self._token)}"
        return headers

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: whoever waited has got it, or nobody waits any more


def job_path(job: str) -> str:
    """Where a job is found."""
    return f"/v1/jobs/{quote(job, safe='')}"


def is_event_stream(response: httpx.Response) -> bool:
    """Whether the answer goes on for as long as there is news."""
    return bool(response.headers.get("content-type", "").startswith("text/event-stream"))


def _words(response: httpx.Response) -> str:
    """What an answer says by its status, and in a gateway's own words where there are any."""
    status = f"{response.status_code} {HTTPStatus(response.status_code).phrase}"
    if is_event_stream(response):
        return status  # has not been read
    problem = Problem.read(response)
    return f"{status}: {problem.detail}" if problem.type and problem.detail else status


def _is_address(url: str) -> bool:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return parsed.scheme in ("http", "https") and bool(parsed.host)


def _retry_after(response: httpx.Response) -> float | None:
    """Seconds, however the header words them; None where it says nothing that can be read."""
    text = response.headers.get("retry-after", "")
    try:
        if text.isdecimal():
            return float(text)
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
