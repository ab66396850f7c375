"""Running a handler once, from payload to outcome."""

import asyncio
import contextvars
import inspect
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tidegate.context import Context
from tidegate.decisions import Failed, Outcome
from tidegate.deliveries import Delivery
from tidegate.emissions import flatten
from tidegate.errors import LeaseLost, Reject
from tidegate.handlers import Handler
from tidegate.outbox import returned
from tidegate.ports import Ports
from tidegate.records import Failure, Fault
from tidegate.topology import FunctionConfig

_DETAIL_CHARACTERS = 4_000


class Runner:
    """Runs one handler: ``async def`` on the event loop, plain ``def`` in a worker thread.

    A thread cannot be stopped: a plain handler that overruns its timeout goes on, but its context
    is closed and its writes are fenced, so nothing it still does through Tidegate counts.
    """

    def __init__(self, handler: Handler, config: FunctionConfig, ports: Ports) -> None:
        self._handler = handler
        self._config = config
        self._ports = ports
        self._on_loop = inspect.iscoroutinefunction(handler.call) or inspect.isasyncgenfunction(handler.call)
        self._threads = ThreadPoolExecutor(config.concurrency, thread_name_prefix=config.function)

    async def run(self, delivery: Delivery, context: Context) -> Outcome:
        """Run the handler on ``delivery`` and say how it ended.

        Raises:
            LeaseLost: the handler found that its record is not its own any more.
        """
        assert delivery.event is not None
        timeout = asyncio.timeout(self._config.timeout_seconds)
        try:
            async with timeout:
                given = await self._call(delivery.payload, context)
            return returned(
                flatten(given), config=self._config, cause=delivery.event, key=delivery.key, now=self._ports.clock()
            )
        except LeaseLost:
            raise
        except Reject as error:
            return Failed(Failure(Fault.REJECTED, str(error) or "rejected by the handler"), permanent=True)
        except Exception as error:
            if timeout.expired():
                return Failed(Failure(Fault.TIMEOUT, f"ran longer than {self._config.timeout_seconds:g} s"))
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return Failed(Failure(Fault.ERROR, reason, traceback.format_exc()[-_DETAIL_CHARACTERS:]))

    async def _call(self, payload: Any, context: Context) -> list[Any]:
        call = self._handler.call
        if inspect.isasyncgenfunction(call):
            return [each async for each in call(payload, context)]
        if self._on_loop:
            return list(flatten(await call(payload, context)))
        # A generator's body must run in the thread as well, so it is exhausted there.
        here = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, here.run, lambda: list(flatten(call(payload, context)))
        )
