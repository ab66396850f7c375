"""A bound on what is under way at the same time, in pieces and in bytes: whoever comes when it is reached waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Outstanding:
    """Lets in as much as fits, first come, first served: what is large is not overtaken for ever.

    What is larger than all that may be under way goes in alone.
    """

    def __init__(self, max_pieces: int, max_bytes: int) -> None:
        self.max_pieces = max_pieces
        self.max_bytes = max_bytes
        self._pieces = 0
        self._bytes = 0
        self._turn = asyncio.Lock()
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def place(self, pieces: int, size: int) -> AsyncIterator[None]:
        """Wait until so many pieces of ``size`` bytes in all fit; they count until the end."""
        async with self._turn:
            while not self._fits(pieces, size):
                self._freed.clear()
                await self._freed.wait()
            self._pieces += pieces
            self._bytes += size
        try:
            yield
        finally:
            self._pieces -= pieces
            self._bytes -= size
            self._freed.set()

    def _fits(self, pieces: int, size: int) -> bool:
        return not self._pieces or (self._pieces + pieces <= self.max_pieces and self._bytes + size <= self.max_bytes)
