"""An event loop in a thread of its own, for threads to call into."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from threading import Thread

import anyio
from anyio.from_thread import BlockingPortal


@contextmanager
def open_portal(name: str) -> Iterator[BlockingPortal]:
    """A loop that runs until the block is left, in a thread of this name; what is left then by an error is cancelled.

    As `anyio.from_thread.start_blocking_portal`, but that an interrupt is not the end of all: while the loop starts,
    anyio waits for the end of its thread, which nobody has told to end.
    """
    started: Future[BlockingPortal] = Future()

    async def serve() -> None:
        if started.set_running_or_notify_cancel():
            async with BlockingPortal() as portal:
                started.set_result(portal)
                await portal.sleep_until_stopped()

    def run() -> None:
        try:
            anyio.run(serve)
        except Exception as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = Thread(target=run, name=name, daemon=True)
    failed = True
    try:
        thread.start()
        yield started.result()
        failed = False
    finally:
        # A loop that is still to start ends at once, without anybody who waits for it.
        if not started.cancel():
            portal = started.result()
            portal.call(portal.stop, failed)
            thread.join()
