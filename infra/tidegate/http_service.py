"""An HTTP function as a service: its ASGI application, within the limits that the topology sets."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect

from tidegate.errors import ConfigurationError
from tidegate.function_config import HttpFunctionConfig
from tidegate.handlers import HttpHandler
from tidegate.problems import problem
from tidegate.sites import Site
from tidegate.spans import request_span
from tidegate.stopping import REASON, Stopping
from tidegate.work import Work, under_way

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger(__name__)

_COME_AGAIN = {"Retry-After": "1"}
# The keys of the ASGI specification. A server's own routing leaves others behind, which would reach
# the application as if they were its own: path parameters, and the router that makes its URLs.
_SCOPE = (
    *("type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string", "root_path"),
    *("headers", "client", "server", "state", "extensions"),
)


class HttpService:
    """One instance of an HTTP function; an ASGI application itself, for HTTP requests alone.

    What the builder makes is made at the first request, inside the event loop that serves it. Lifespan
    events reach nobody. A request counts from its arrival until the application returns, however long
    its response streams: an application that streams listens for ``http.disconnect``, as Starlette's
    responses do, and so gives a place back when its client leaves.

    When the instance stops, event streams are ended at once, for their readers to go on at another; any other
    request has its grace.
    """

    def __init__(self, handler: HttpHandler, site: Site) -> None:
        check_http(handler, site.config)
        self._handler = handler
        self._site = site
        self._application: ASGIApp | None = None
        self._underway = 0
        self._stopping = Stopping()

    def stop(self) -> None:
        """Take no further request, and end those that are under way."""
        self._stopping.begin()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if self._stopping.begun:
            await _stopped(scope, receive, send)
            return
        capacity = self._site.config.concurrency
        if self._underway >= capacity:
            full = problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{capacity} requests are under way: come again in a moment",
                _COME_AGAIN,
            )
            await full(scope, receive, send)
            return
        self._underway += 1
        try:
            await self._tell(scope, receive, _Reply(send))
        finally:
            self._underway -= 1

    async def _tell(self, scope: "Scope", receive: "Receive", reply: "_Reply") -> None:
        """Answer as a part of the caller's trace, and tell how it went."""
        ports = self._site.ports
        headers = Headers(scope=scope)
        parent, state = headers.get("traceparent", ""), ",".join(headers.getlist("tracestate"))
        trace, began_at = ports.sampling.requested(parent, state, ports.draw()), ports.clock()
        inner = {key: scope[key] for key in _SCOPE if key in scope}
        try:
            with under_way(Work(self._handler.name, trace), ports):
                await self._answer(inner, receive, reply)
        finally:
            route = getattr(inner.get("route"), "path", "")
            ports.spans.end(request_span(trace, scope["method"], route, reply.status, began_at, ports.clock()))

    async def _answer(self, scope: "Scope", receive: "Receive", reply: "_Reply") -> None:
        """Let the application answer; one that fails or takes too long after it began leaves its response unfinished.

        The server then closes the connection, so that nobody takes half a response for a whole one.
        """
        name, seconds = self._handler.name, self._site.config.timeout_seconds
        reply.on_stream = lambda: self._stopping.allow(grace, 0)
        try:
            async with self._stopping.grace() as grace, asyncio.timeout(seconds) as bound:
                await self._built()(scope, receive, reply)
            return
        except ClientDisconnect:
            return
        except Exception:
            if grace.expired():
                if reply.is_stream:
                    await reply.end()
                failed = _stopped
            elif bound.expired():
                _log.warning("%s took longer than %g s: %s %s", name, seconds, scope["method"], scope["path"])
                failed = problem(HTTPStatus.GATEWAY_TIMEOUT, f"no answer within {seconds:g} s")
            else:
                _log.exception("%s failed: %s %s", name, scope["method"], scope["path"])
                failed = problem(HTTPStatus.INTERNAL_SERVER_ERROR, "an error of our own; it has been logged")
        if not reply.begun:
            await failed(scope, receive, reply)

    def _built(self) -> "ASGIApp":
        """The application. Nothing is awaited in here, so that first requests that come together share it."""
        if self._application is None:
            self._application = self._handler.call(self._site)
        return self._application


async def _stopped(scope: "Scope", receive: "Receive", send: "Send") -> None:
    await problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{REASON}: come again in a moment", _COME_AGAIN)(
        scope, receive, send
    )


class _Reply:
    """Where a response is sent, the status that has been, 0 while nothing has, and whether it is an event stream.

    Attributes:
        on_stream: is called when a part of an event stream has been sent.
    """

    def __init__(self, send: "Send") -> None:
        self.status = 0
        self.is_stream = False
        self.on_stream: Callable[[], None] = lambda: None
        self._send = send

    @property
    def begun(self) -> bool:
        return self.status > 0

    async def __call__(self, message: "Message") -> None:
        self.status = message.get("status", self.status)
        if message["type"] == "http.response.start":
            types = [value for name, value in message.get("headers", ()) if name.lower() == b"content-type"]
            self.is_stream = any(each.startswith(b"text/event-stream") for each in types)
        await self._send(message)
        if self.is_stream:
            self.on_stream()

    async def end(self) -> None:
        """End a stream in good order: what has been sent of it is whole events."""
        await self._send({"type": "http.response.body"})


def check_http(handler: HttpHandler, config: HttpFunctionConfig) -> None:
    """Hold an HTTP function against the configuration that it is deployed with.

    Raises:
        ConfigurationError: they do not belong together.
    """
    if config.function != handler.name:
        raise ConfigurationError(f"the configuration is for {config.function}, the HTTP function is {handler.name}")
