"""Running a handler once, from payload to outcome."""

import asyncio
import contextvars
import inspect
import math
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tidegate.context import Context
from tidegate.decisions import Failed, Outcome
from tidegate.deliveries import Delivery
from tidegate.emissions import Given, flatten
from tidegate.errors import DependencyCutOff, InstanceStopping, LeaseLost, Reject
from tidegate.function_config import FunctionConfig
from tidegate.handlers import Handler
from tidegate.outbox import returned
from tidegate.ports import Ports
from tidegate.records import Failure, Fault
from tidegate.stopping import GRACE_SECONDS, REASON, Stopping
from tidegate.threads import contained

E = TypeVar("E", bound=Exception)


class Runner:
    """Runs one handler: ``async def`` on the event loop, plain ``def`` in a worker thread.

    A thread cannot be stopped: a plain handler that overruns its timeout goes on, but its context
    is closed and its writes are fenced, so nothing it still does through Tidegate counts. For the same
    reason it is not interrupted when the instance stops: it ends in time, or with the process.
    """

    def __init__(self, handler: Handler, config: FunctionConfig, ports: Ports, stopping: Stopping) -> None:
        self._handler = handler
        self._config = config
        self._ports = ports
        self._stopping = stopping
        self._generates = inspect.isasyncgenfunction(handler.call)
        self._on_loop = self._generates or inspect.iscoroutinefunction(handler.call)
        self._grace_seconds = GRACE_SECONDS if self._on_loop else math.inf
        # Twice as many as work at a time, so that those which overran keep no new delivery waiting.
        self._threads = ThreadPoolExecutor(2 * config.concurrency, thread_name_prefix=config.function)
        self._running: set[object] = set()
        self._abandoned: set[object] = set()

    @property
    def overrun(self) -> int:
        """How many threads still run a handler whose delivery has ended without it."""
        self._abandoned &= self._running
        return len(self._abandoned)

    async def run(self, delivery: Delivery, context: Context) -> Outcome:
        """Run the handler on ``delivery`` and say how it ended.

        Raises:
            LeaseLost: the handler found that its record is not its own any more.
            DependencyCutOff: the handler could not use what it needs.
            InstanceStopping: the handler had no time left to end.
        """
        seconds = min(self._config.timeout_seconds, context.lease_left)
        try:
            async with self._stopping.grace(self._grace_seconds) as grace, asyncio.timeout(seconds) as timeout:
                given = await self._call(delivery.payload, context)
            return returned(given, config=self._config, cause=delivery.cause(self._ports.clock()))
        except LeaseLost:
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise  # it is this delivery that is to end
            reason = "CancelledError: something that the handler waited for was cancelled"
            return Failed(Failure(Fault.ERROR, reason, traceback.format_exc()))
        except Exception as error:
            if rejection := _found_in(error, Reject):
                return Failed(Failure(Fault.REJECTED, str(rejection) or "rejected by the handler"), permanent=True)
            if cut_off := _found_in(error, DependencyCutOff):
                raise cut_off from None
            if grace.expired():
                raise InstanceStopping(REASON) from None
            if timeout.expired():
                return Failed(Failure(Fault.TIMEOUT, f"ran longer than {seconds:g} s"))
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return Failed(Failure(Fault.ERROR, reason, traceback.format_exc()))

    async def _call(self, payload: Any, context: Context) -> list[Given]:
        call = self._handler.call
        if self._generates:
            return list(flatten([each async for each in call(payload, context)]))
        if self._on_loop:
            return list(flatten(await call(payload, context)))
        run = object()

        def work() -> list[Given]:
            self._running.add(run)
            try:
                return list(flatten(call(payload, context)))  # a generator's body runs in the thread as well
            finally:
                self._running.discard(run)

        here = contextvars.copy_context()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, here.run, contained(work))
        finally:
            if run in self._running:
                self._abandoned.add(run)


def _found_in(error: Exception, kind: type[E]) -> E | None:
    """The error if it is of this kind; or the first such one of the group that a TaskGroup raises."""
    if isinstance(error, ExceptionGroup):
        return next(filter(None, (_found_in(each, kind) for each in error.exceptions)), None)
    return error if isinstance(error, kind) else None
