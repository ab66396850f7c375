"""The time of a world in memory."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from tidegate.testing.virtual_loop import VirtualLoop

NOON = datetime(2013, 2, 8, 12, tzinfo=UTC)
"""When every world begins."""


class WorldClock:
    """Noon, and what has passed in virtual time since. On any other loop it stands until somebody moves it."""

    def __init__(self) -> None:
        self._moved = 0.0
        self._passed = 0.0

    def __call__(self) -> datetime:
        with suppress(RuntimeError):  # no loop is running: it is as late as it was
            loop = asyncio.get_running_loop()
            if isinstance(loop, VirtualLoop):
                self._passed = loop.time()
        return NOON + timedelta(seconds=self._passed + self._moved)

    def advance(self, seconds: float) -> None:
        """Have it jump; what waits on the loop does not notice."""
        self._moved += seconds
