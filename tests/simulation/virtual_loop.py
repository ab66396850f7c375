"""An event loop whose clock jumps: waiting costs nothing, and the same seed gives the same run."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(Exception):
    """Nothing can happen any more, yet the run has not ended."""


class _JumpingSelector(selectors.BaseSelector):
    """Watches nothing: instead of waiting it moves the loop's clock forward."""

    def __init__(self) -> None:
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise Stuck("no task is ready and no timer is set")
        self.now += max(timeout, 0.0)
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return selectors.SelectorKey(fileobj, 0, 0, None)

    def get_map(self) -> Any:
        return {}


class VirtualLoop(asyncio.SelectorEventLoop):
    """Virtual time, and threads run in place: a plain handler's body is one atomic step."""

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
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run ``main`` in virtual time from zero; whatever is left over is cancelled.

    Raises:
        Stuck: ``main`` waits for something that can never happen.
    """
    loop = VirtualLoop()
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
