"""Work that runs in a thread while the event loop waits for it."""

import asyncio
import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def contained(call: Callable[P, T]) -> Callable[P, T]:
    """``call``, fit for a thread: a StopIteration becomes a RuntimeError.

    No asyncio future takes a StopIteration, so whoever waits for the thread would wait for ever.
    """

    @functools.wraps(call)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return call(*args, **kwargs)
        except StopIteration as error:
            raise RuntimeError("raised StopIteration: give next() a default") from error

    return run


async def called(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The result of ``call``: ``async def`` on the event loop, plain ``def`` in a thread."""
    if inspect.iscoroutinefunction(call):
        return await call(*args, **kwargs)
    result = await asyncio.to_thread(contained(call), *args, **kwargs)
    return await result if inspect.isawaitable(result) else result
