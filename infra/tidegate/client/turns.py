"""Sharing a gateway's attention among all the jobs that a client follows."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

WAITS = 64
STREAMS = 32
CONNECTIONS = WAITS + STREAMS + 32
"""Those that wait and stream, and as many as it takes for everything else not to wait behind them."""
_WAIT_SECONDS = 20  # for something to tell, in one request; short enough for proxies


class Turns:
    """How many requests at a time wait at the gateway for news, and how long each.

    However many jobs are followed, each of them gets its turn about every `_WAIT_SECONDS` seconds.
    """

    def __init__(self) -> None:
        self._seats = asyncio.Semaphore(WAITS)
        self._waiting = 0
        self._streaming = 0

    @asynccontextmanager
    async def wait(self) -> AsyncGenerator[int, None]:
        """A turn at waiting, as soon as there is one; its length in seconds."""
        self._waiting += 1
        try:
            async with self._seats:
                yield max(1, _WAIT_SECONDS * WAITS // max(self._waiting, WAITS))
        finally:
            self._waiting -= 1

    @asynccontextmanager
    async def stream(self) -> AsyncGenerator[bool, None]:
        """Whether there is room for one more stream; it is taken until the end."""
        free = self._streaming < STREAMS
        self._streaming += free
        try:
            yield free
        finally:
            self._streaming -= free
