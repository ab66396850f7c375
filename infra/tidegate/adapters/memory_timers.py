"""Timers on the running event loop, for one process; a loop with virtual time needs no change here."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tidegate.clock import Clock, system_clock
from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing
from tidegate.ports import Publisher

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 60.0


class MemoryTimers:
    """Implements `tidegate.ports.Timers`. Nothing survives the process, and no event id is forgotten in it."""

    def __init__(self, publisher: Publisher, *, clock: Clock = system_clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self._known: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    async def schedule(self, message: Outgoing) -> None:
        if self._closed:
            raise PublishFailed("the timers are closed: start the application again, nothing is kept")
        event_id = message.attributes["ce-id"]
        if event_id in self._known:
            return
        self._known.add(event_id)
        task = asyncio.get_running_loop().create_task(self._publish(message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Publish nothing any more; what was due later is lost."""
        self._closed = True
        running: Sequence[asyncio.Task[None]] = [*self._tasks]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _publish(self, message: Outgoing) -> None:
        """Wait until the message is due, then try until it is out."""
        await asyncio.sleep(self._seconds_until(message.due))
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._publisher.publish([replace(message, due=None)])
            except PublishFailed:
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE_SECONDS, pause * 2)
            else:
                return

    def _seconds_until(self, due: datetime | None) -> float:
        return max(0.0, (due - self._clock()).total_seconds()) if due else 0.0
