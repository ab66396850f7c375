"""The end of an instance: SIGTERM tells it, and Cloud Run sends SIGKILL 10 s later.

Under functions-framework gunicorn's master passes SIGTERM on to its worker. There uvicorn accepts no further
connection, waits for its requests without a bound, and ends the process: so requests have to end by themselves.
"""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import FrameType

GRACE_SECONDS = 7.0
"""How long work has from SIGTERM on. What is left until SIGKILL is for giving back what did not get done."""

REASON = "this instance is stopping"
_WORKER_TIMEOUT = "CLOUD_RUN_TIMEOUT_SECONDS"


class Stopping:
    """Whether an instance is to stop, and how long what it does has left then."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._graces: dict[asyncio.Timeout, float] = {}

    @property
    def begun(self) -> bool:
        """Whether nothing new is to be taken."""
        return self._since is not None

    def begin(self) -> None:
        """Stop; again, it changes nothing. To be called inside the event loop."""
        if self._since is None:
            self._since = asyncio.get_running_loop().time()
            for work in self._graces:
                self._bound(work)

    @asynccontextmanager
    async def grace(self, seconds: float = GRACE_SECONDS) -> AsyncIterator[asyncio.Timeout]:
        """Cancel what happens inside this long after the instance was told to stop; the timeout has expired then."""
        async with asyncio.timeout(None) as work:
            self.allow(work, seconds)
            try:
                yield work
            finally:
                del self._graces[work]

    def allow(self, work: asyncio.Timeout, seconds: float) -> None:
        """Give what `grace` bounds another time than it began with."""
        self._graces[work] = seconds
        self._bound(work)

    def _bound(self, work: asyncio.Timeout) -> None:
        if self._since is not None and not work.expired():
            work.reschedule(self._since + self._graces[work])


def not_while_idle() -> None:
    """Keep gunicorn from ending a worker that gave no sign of life for as long as a request may take.

    Between requests Cloud Run takes the processor away, and when a request brings it back, gunicorn may look before the
    worker could give one. To be called while the function's module is imported: functions-framework reads the
    variable afterwards. Where Cloud Run does not set it, gunicorn waits without a bound anyway.
    """
    if _WORKER_TIMEOUT in os.environ:
        os.environ[_WORKER_TIMEOUT] = "0"


def on_sigterm(stop: Callable[[], None]) -> None:
    """Have ``stop`` called in the running event loop at SIGTERM, and the server's own handler after it.

    Where no server handles SIGTERM, or this is not the main thread, which alone gets signals, it stays as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    server = signal.getsignal(signal.SIGTERM)
    if not callable(server):
        return
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        server(number, frame)

    signal.signal(signal.SIGTERM, handle)
