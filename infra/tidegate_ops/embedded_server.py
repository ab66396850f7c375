"""HTTP in this process: an ASGI application on a port of this machine, served by the loop that runs."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_GRACE_SECONDS = 1


class _Server(uvicorn.Server):
    """Leaves signals alone: they are the affair of whoever runs the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class EmbeddedServer:
    """Serves from its creation, inside the running event loop, until `close`.

    By default on the loopback, on a port that the system chooses.
    """

    def __init__(self, application: "ASGIApp", host: str = "127.0.0.1", port: int = 0) -> None:
        # Listening from the start: whoever connects before the server accepts waits in the queue.
        listener = socket.create_server((host, port))
        self.url = f"http://{host}:{listener.getsockname()[1]}/"
        self._server = _Server(
            uvicorn.Config(
                application,
                lifespan="off",
                ws="none",
                log_config=None,
                log_level="critical",  # the application logs its own failures
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._serving = asyncio.get_running_loop().create_task(self._server.serve([listener]))

    async def close(self) -> None:
        """Take no further request, and end those that still stream after a short grace."""
        self._server.should_exit = True
        await self._serving
