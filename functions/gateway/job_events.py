"""A job as server-sent events: ``progress`` as it goes on, ``settled`` at its end."""

import asyncio
from collections.abc import AsyncGenerator

from representations import Snapshot, rendered
from watches import Watches

HEARTBEAT_SECONDS = 15
RECONNECT = b"retry: 1000\n\n"
HEARTBEAT = b": still here\n\n"


class JobEvents:
    """Streams of server-sent events; each ends with its job, or after ``patience`` seconds.

    A client that reconnects then says which event it saw last, and is told only what came after.
    """

    def __init__(self, watches: Watches, patience: float) -> None:
        self._watches = watches
        self._patience = patience

    async def follow(self, snapshot: Snapshot, last: str) -> AsyncGenerator[bytes, None]:
        """The frames of a job's stream, for a client that has seen the event with the id ``last``."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._patience
        yield RECONNECT
        with self._watches.follow(snapshot) as watch:
            while True:
                snapshot = watch.latest
                if event_id(snapshot) != last:
                    last = event_id(snapshot)
                    yield frame(snapshot)
                if snapshot.settled or loop.time() >= end:
                    return
                try:
                    async with asyncio.timeout(min(HEARTBEAT_SECONDS, end - loop.time())):
                        await watch.newer(snapshot)
                except TimeoutError:
                    yield HEARTBEAT


def event_id(snapshot: Snapshot) -> str:
    """Names what the event says, so that every instance gives it the same id."""
    progress = snapshot.progress
    return f"{snapshot.job.state}-{progress.settled}-{progress.known}"


def frame(snapshot: Snapshot) -> bytes:
    """One event. The last one carries the whole job, so that nobody has to ask for it."""
    if snapshot.settled:
        name, data = "settled", snapshot.body
    else:
        progress = snapshot.progress
        name, data = (
            "progress",
            {
                "state": str(snapshot.job.state),
                "known": progress.known,
                "settled": progress.settled,
            },
        )
    return b"id: %b\nevent: %b\ndata: %b\n\n" % (event_id(snapshot).encode(), name.encode(), rendered(data))
