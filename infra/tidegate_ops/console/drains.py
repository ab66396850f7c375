"""Drains that were begun here: they go on, whether or not anybody looks on."""

import asyncio

from tidegate.errors import TidegateError
from tidegate_ops.pausing import Pausing

_SECONDS = 600.0


class Drains:
    """At most one for each function."""

    def __init__(self, pausing: Pausing) -> None:
        self._pausing = pausing
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._troubles: dict[str, str] = {}

    def begin(self, function: str, by: str, reason: str) -> None:
        """Begin one, unless one is under way."""
        if not self.under_way(function):
            self._troubles.pop(function, None)
            self._tasks[function] = asyncio.create_task(self._drain(function, by, reason))

    def under_way(self, function: str) -> bool:
        """Whether one is."""
        task = self._tasks.get(function)
        return task is not None and not task.done()

    def trouble(self, function: str) -> str:
        """Why the last one came to nothing; empty where it did not."""
        return self._troubles.get(function, "")

    async def give_up(self, function: str) -> None:
        """End the one that is under way, wherever the function stands with it."""
        self._troubles.pop(function, None)
        if task := self._tasks.pop(function, None):
            task.cancel()
            await asyncio.wait([task])

    async def close(self) -> None:
        """End all of them."""
        for function in list(self._tasks):
            await self.give_up(function)

    async def _drain(self, function: str, by: str, reason: str) -> None:
        try:
            await self._pausing.drain(function, by, reason, _SECONDS)
        except TidegateError as error:
            self._troubles[function] = str(error)
