"""Whoever looks at a board, without a server or a browser between."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette

BOARD = "airport=EWR&day=2013-02-08"
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class ServerSentEvent:
    """One event as a browser would understand it."""

    name: str
    id: str
    data: str

    @property
    def flights(self) -> list[str]:
        """The flights whose rows it brings."""
        return [row["flight"] for row in json.loads(self.data)["rows"]]

    @property
    def counts(self) -> dict[str, int]:
        counts: dict[str, int] = json.loads(self.data)["counts"]
        return counts


@dataclass
class Viewer:
    """One end of a stream.

    Attributes:
        status, headers: of the response, once it has begun.
        takes: cleared, it takes nothing more.
        ended: whether the application is done with it.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    takes: asyncio.Event = field(default_factory=asyncio.Event)
    _chunks: "asyncio.Queue[str | None]" = field(default_factory=asyncio.Queue)
    _leaves: asyncio.Event = field(default_factory=asyncio.Event)
    _application: "asyncio.Task[None] | None" = None

    @property
    def ended(self) -> bool:
        return self._application is not None and self._application.done()

    async def event(self) -> ServerSentEvent | None:
        """The next event; None once the stream has ended."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while (chunk := await self._chunks.get()) is not None:
                assert chunk.endswith("\n\n")
                lines = dict(line.split(": ", 1) for line in chunk.strip().splitlines())
                if "data" in lines:
                    return ServerSentEvent(lines.get("event", "message"), lines.get("id", ""), lines["data"])
        return None

    async def news(self) -> ServerSentEvent:
        """The next event that is no heartbeat; there must be one."""
        while (event := await self.event()) and event.name == "beat":
            pass
        assert event, "the stream has ended"
        return event

    async def silent(self, seconds: float) -> bool:
        """Whether nothing but heartbeats comes for so long."""
        try:
            async with asyncio.timeout(seconds):
                while event := await self.event():
                    if event.name != "beat":
                        return False
        except TimeoutError:
            return True
        return False

    async def leave(self) -> None:
        """Close the connection, and wait until the application has noticed."""
        self._leaves.set()
        assert self._application
        await self._application

    async def _receive(self) -> dict[str, Any]:
        await self._leaves.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.takes.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message["body"]:
            self._chunks.put_nowait(message["body"].decode())
        if not message.get("more_body", True):
            self._chunks.put_nowait(None)


@asynccontextmanager
async def viewer(app: Starlette, query: str = BOARD, last_event_id: str = "") -> AsyncIterator[Viewer]:
    """Somebody who follows a board inside the with block."""
    one = Viewer()
    one.takes.set()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/events",
        "query_string": query.encode(),
        "headers": [(b"last-event-id", last_event_id.encode())] if last_event_id else [],
        "server": ("board.test", 80),
    }
    one._application = asyncio.create_task(app(scope, one._receive, one._send))
    try:
        yield one
    finally:
        await one.leave()


async def get(app: Starlette, address: str = "/", method: str = "GET", **headers: str) -> httpx.Response:
    """Ask for a page or an asset."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://board.test") as client:
        return await client.request(method, address, headers={k.replace("_", "-"): v for k, v in headers.items()})
