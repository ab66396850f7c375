"""Virtual time in which threads run in place, so that the same seed gives the same run."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar

from tidegate.testing import virtual_loop

T = TypeVar("T")


class AtomicLoop(virtual_loop.VirtualLoop):
    """A plain handler's body is one atomic step."""

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
    """Run ``main`` in virtual time; see `tidegate.testing.virtual_loop.run`."""
    return virtual_loop.run(main, AtomicLoop)
