"""A tiny HTTP function to try everything on that serves one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from tidegate.function_config import Access, HttpFunctionConfig
from tidegate.handlers import HttpHandler
from tidegate.http_service import HttpService
from tidegate.settings import Settings
from tidegate.sites import Site
from tidegate.testing import World


def config(**options: Any) -> HttpFunctionConfig:
    """The configuration of the HTTP function ``door``, with ``options`` instead of the defaults."""
    defaults: dict[str, Any] = {
        "function": "door",
        "access": Access.PUBLIC,
        "timeout_seconds": 30,
        "concurrency": 2,
        "ledger_days": 45,
        "retention_days": 7,
    }
    return HttpFunctionConfig.model_validate(defaults | options)


class Door:
    """An application whose answers the test holds back; `service` makes an HTTP function of it.

    Attributes:
        opened: is set while at least one request waits in ``/wait``.
        open: lets those go on that wait.
        built: how many times the application was built.
    """

    def __init__(self) -> None:
        self.opened = asyncio.Event()
        self.open = asyncio.Event()
        self.left = asyncio.Event()
        self.built = 0

    def build(self, site: Site) -> ASGIApp:
        self.built += 1
        routes = [
            Route("/wait", self._wait),
            Route("/fail", self._fail),
            Route("/stream", self._stream),
            Route("/echo/{name}", self._echo, methods=["GET", "POST", "PATCH"]),
        ]
        return Starlette(routes=routes)

    def service(self, **options: Any) -> HttpService:
        return service(self.build, **options)

    async def _wait(self, request: Request) -> PlainTextResponse:
        self.opened.set()
        await self.open.wait()
        return PlainTextResponse("waited")

    async def _fail(self, request: Request) -> PlainTextResponse:
        raise RuntimeError("the door is stuck")

    async def _stream(self, request: Request) -> StreamingResponse:
        return StreamingResponse(self._lines(), media_type="text/event-stream")

    async def _lines(self) -> AsyncIterator[str]:
        try:
            yield "data: first\n\n"
            await self.open.wait()
            yield "data: last\n\n"
        finally:
            self.left.set()

    async def _echo(self, request: Request) -> JSONResponse:
        body = await request.body()
        return JSONResponse({"method": request.method, "parameters": request.path_params, "body": body.decode()})


def service(build: Callable[[Site], ASGIApp], **options: Any) -> HttpService:
    """The HTTP function that ``build`` makes, with ``options`` in its configuration."""
    site = Site(config(**options), Settings("p"), World().ports)
    return HttpService(HttpHandler("door", build), site)


def client(application: ASGIApp) -> httpx.AsyncClient:
    """A client that calls ``application`` in this loop; it sees a response when it is complete."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://door")
