"""The decorator that makes an ASGI application a deployed HTTP function."""

import functools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, cast

import functions_framework.aio
from starlette.responses import JSONResponse, Response

from tidegate import logs
from tidegate.config_file import missing_config, read_config
from tidegate.errors import StoreUnavailable
from tidegate.function_config import HttpFunctionConfig
from tidegate.handlers import HttpHandler
from tidegate.http_service import HttpService, check_http
from tidegate.log_settings import LogSettings
from tidegate.service import google_ports
from tidegate.settings import Settings
from tidegate.sites import Site
from tidegate.stopping import not_while_idle, on_sigterm

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

READY_PATH = "/_ready"
"""Makes the instance ready and says so; every other path is the application's."""


class HttpEntryPoint(Protocol):
    """What `http_function` makes: an HTTP function that knows what builds its application."""

    http_handler: HttpHandler
    __name__: str

    def __call__(self, request: "Request") -> Awaitable[Response]: ...


def http_function(build: "Callable[[Site], ASGIApp]", /) -> HttpEntryPoint:
    """Make the ASGI application that ``build`` returns an HTTP function.

    ``build`` is called once, at the first request, inside the event loop. Limits come from
    ``topology.yaml``, as for `tidegate.function`.
    """
    handler = HttpHandler.inspect(build)
    not_while_idle()
    config = read_config(handler.source, HttpFunctionConfig)
    if config is not None:
        check_http(handler, config)
    service: HttpService | None = None

    @functions_framework.aio.http
    @functools.wraps(build)
    async def entry(request: "Request") -> Response:
        nonlocal service
        asked = request.url.path == READY_PATH
        if config is None:
            if asked:
                return JSONResponse({"function": handler.name, "ready": False})
            raise missing_config(handler.source)
        if service is None:
            logs.configure(LogSettings.read())
            settings = Settings.read()
            site = Site(config, settings, google_ports(settings))
            service = HttpService(handler, site)
            on_sigterm(service.stop)
            if asked:
                await _connect(site)
        return JSONResponse({"function": handler.name, "ready": True}) if asked else _Answer(service)

    entry_point = cast(HttpEntryPoint, entry)
    entry_point.http_handler = handler
    return entry_point


async def _connect(site: Site) -> None:
    """Reach Firestore before the first who waits for an answer: connecting takes longer than many a request."""
    with suppress(StoreUnavailable):
        await site.ports.jobs.read("none")


class _Answer(Response):
    """What the framework is given for a response: it sends whatever the service answers, as it comes."""

    def __init__(self, service: HttpService) -> None:
        super().__init__()
        self._service = service

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        await self._service(scope, receive, send)
