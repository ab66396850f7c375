"""An event loop whose clock jumps: waiting costs nothing."""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")

_OWN = 1  # what a loop watches for itself: the pipe by which threads wake it


class Stuck(Exception):
    """Nothing can happen any more, yet the run has not ended."""


class _JumpingSelector(selectors.DefaultSelector):
    """Moves the loop's clock forward instead of waiting, unless a thread or a socket may still have something to say.

    Attributes:
        now: seconds since the loop was made.
        threads: how many of them the loop waits for.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.threads = 0
        self._watched = 0

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self._watched += 1
        return super().register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        self._watched -= 1
        return super().unregister(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.threads or self._watched > _OWN:
            began = time.monotonic()
            ready = super().select(timeout)
            self.now += time.monotonic() - began
            return ready
        if timeout is None:
            raise Stuck("no task is ready and no timer is set")
        self.now += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Virtual time, which starts at zero; real time only while a thread works or a socket is open."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # Timers closer together than this fire together; rounding must never stop the clock.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._jumping.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        future = super().run_in_executor(executor, func, *args)
        self._jumping.threads += 1
        future.add_done_callback(self._thread_ended)
        return future

    def _thread_ended(self, future: "asyncio.Future[Any]") -> None:
        self._jumping.threads -= 1


def run(main: Coroutine[Any, Any, T], make_loop: Callable[[], asyncio.AbstractEventLoop] = VirtualLoop) -> T:
    """Run ``main`` in virtual time from zero; whatever is left over is cancelled.

    Raises:
        Stuck: ``main`` waits for something that can never happen.
    """
    loop = make_loop()
    task = loop.create_task(main)
    try:
        return loop.run_until_complete(task)
    finally:
        left = asyncio.all_tasks(loop)
        for each in left:
            each.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.close()
