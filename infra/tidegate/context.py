"""What a handler may do besides returning events."""

import asyncio
import inspect
import json
import math
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from tidegate.backstop import settle
from tidegate.deliveries import Delivery
from tidegate.dependencies import Dependencies, Use
from tidegate.emissions import Emission
from tidegate.errors import (
    ConfigurationError,
    LeaseLost,
    StepFailed,
    StoreUnavailable,
    TidegateError,
    WriteRefused,
)
from tidegate.events import Event, digest
from tidegate.function_config import FunctionConfig
from tidegate.governing import SWEEP, Governor, Ungoverned
from tidegate.jobs import Compensation
from tidegate.outbox import compensation
from tidegate.ports import Ports
from tidegate.records import Record
from tidegate.slots import Slot
from tidegate.threads import called
from tidegate.trees import Tree
from tidegate.work import current

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncClient
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

    from tidegate.contracts import Contract
    from tidegate.dead_letters import DeadLetter

T = TypeVar("T")


class Context:
    """One attempt at one event, seen from inside the handler."""

    def __init__(
        self,
        delivery: Delivery,
        config: FunctionConfig,
        slot: Slot,
        ports: Ports,
        dependencies: Dependencies,
        tree: Tree,
    ) -> None:
        assert delivery.event is not None
        self.event: Event = delivery.event
        """The event as it travelled: id, type, time, key and extensions."""
        self.compensations: list[Compensation] = []
        """What `compensate` has registered so far."""
        self._delivery = delivery
        self._config = config
        self._slot = slot
        self._ports = ports
        self._dependencies = dependencies
        self._tree = tree
        self._batch: AsyncWriteBatch | None = None
        self._loop = asyncio.get_running_loop()
        self._ends = self._loop.time() + config.timeout_seconds
        self._loop_thread = threading.get_ident()
        self._closed = False
        self._tasks: set[asyncio.Task[Any]] = set()
        if work := current():
            work.attempt = self.attempt

    @property
    def attempt(self) -> int:
        """Which run of the handler for this event this is, from 1; runs that were cut off are not counted."""
        return self._slot.record.attempt if self._slot.record else 1

    @property
    def batch(self) -> "AsyncWriteBatch":
        """Firestore writes that stand exactly when the event is done: they join the one commit.

        The official `AsyncWriteBatch`; never call its ``commit`` yourself.
        """
        self._impure("ctx.batch")
        if self._batch is None:
            self._batch = self.firestore.batch()
        return self._batch

    @property
    def firestore(self) -> "AsyncClient":
        """The official Firestore client, for reading and for building references."""
        return self._ports.firestore()

    def idempotency_key(self, name: str) -> str:
        """A key for one effect on an outside service; the same at every attempt and redrive."""
        return digest(self._config.function, self._delivery.key, name)[:32]

    async def step(self, name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run ``call`` once for this event: a later attempt gets the recorded result.

        A crash between the call's effect and its recording makes the next attempt call again, so
        give the outside service an `idempotency_key` as well.

        Args:
            name: unique within the handler; not empty, nor in double underscores.
            call: ``async def``, or ``def``, which then runs in a thread.

        Returns:
            The result as JSON keeps it: tuples come back as lists, at the first attempt too.

        Raises:
            StepFailed: the name cannot be stored, and nothing was called; or the result is not JSON or too
                large for the record, and nothing was stored.
            LeaseLost: the delivery lost its record; stop.
        """
        self._impure("ctx.step")
        if not name or (name.startswith("__") and name.endswith("__")):
            raise StepFailed(f"a step cannot be named {name!r}, which Firestore keeps for itself: choose another name")
        if name in self._claim.steps:
            return json.loads(self._claim.steps[name])
        self._hold()
        with self._underway():
            return await self._step(name, call, *args, **kwargs)

    async def _step(self, name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        result = await called(call, *args, **kwargs)
        try:
            text = json.dumps(result, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise StepFailed(
                f"step {name!r} returned {type(result).__name__}, which is not JSON ({error}); "
                "return numbers, strings, lists and dicts"
            ) from error
        self._hold()
        try:
            await self._slot.write(replace(self._claim, steps={**self._claim.steps, name: text}))
        except WriteRefused as error:
            raise StepFailed(
                f"step {name!r}: its result of {len(text):,} bytes cannot be recorded; keep large data "
                f"elsewhere and return its name ({error})"
            ) from error
        return json.loads(text)

    @property
    def job(self) -> str:
        """The id of the job that waits for this event; empty where none does."""
        return self._delivery.job

    async def cancelled(self) -> bool:
        """Whether somebody cancelled the job. Events that have not started are shed anyway; a long handler asks.

        Raises:
            StoreUnavailable: nobody knows at this moment.
        """
        return bool(self.job) and await self._tree.is_cancelled(self.job)

    def compensate(self, event: "Contract | Emission[Any]") -> None:
        """Register an event that undoes what this handler does, published should its job fail or be cancelled.

        Register it before the effect that it undoes. It counts when the handler has returned, or was given up
        after this run of it. Compensations follow one another, the one registered last goes first, each when
        all that the one before it caused has settled. Without a job nothing is ever undone.

        Raises:
            TypeError: the topology does not let this function emit it, or nobody handles it.
        """
        if not self.job:
            return
        cause = self._delivery.cause(self._ports.clock())
        emission = event if isinstance(event, Emission) else Emission(event)
        self.compensations.append(compensation(emission, len(self.compensations), config=self._config, cause=cause))

    @property
    def traceparent(self) -> str:
        """The W3C header of this name, to be sent along with a request to an outside service."""
        assert self._delivery.trace is not None
        return self._delivery.trace.traceparent

    def dependency(self, name: str) -> AbstractAsyncContextManager[Use]:
        """Use an outside service within the limits that the topology declares for it.

        How the block ends tells whether the service is well, so nothing but its use belongs inside.

        Raises:
            DependencyCutOff: not now; let it pass, and the event is run again later at no cost of an attempt.
            TimeoutError: the block took longer than the topology allows.
            ConfigurationError: the function does not declare this dependency.
        """
        seconds_left = min(self._ends - self._loop.time(), self.lease_left)
        return self._dependencies.use(name, seconds_left, event_id=self.event.id)

    def wait(self, awaitable: Awaitable[T]) -> T:
        """For plain ``def`` handlers: await something from the worker thread, and block until then.

        Raises:
            RuntimeError: called on the event loop, where it would never end; use ``await`` there.
            LeaseLost: the delivery has ended without this handler, which ran past its timeout; stop.
        """
        if threading.get_ident() == self._loop_thread:
            _discard(awaitable)
            raise RuntimeError("ctx.wait is for plain `def` handlers; in an `async def` handler write `await`")

        async def outer() -> T:
            if self._closed:
                _discard(awaitable)
                raise LeaseLost("the delivery has ended")
            with self._underway():
                return await awaitable

        coroutine: Coroutine[Any, Any, T] = outer()
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    async def resume(self, letter: "DeadLetter") -> bool:
        """Publish what the letter's function had committed but perhaps not published; if it had not, its job, if
        there is one, waits for it no longer.

        Returns:
            Whether it had committed, so that nothing is dead after all.
        """
        return await settle(
            letter, config=self._config, ports=self._ports, tree=self._tree, io_seconds=self._slot.io_seconds
        )

    async def advance(self, job: str, node: str) -> None:
        """Publish what a closed node of a job's tree owes; for the function on `tidegate.jobs.ADVANCED`."""
        await self._tree.advance(job, node)

    async def govern(self) -> dict[str, datetime]:
        """Pause and resume functions as the circuits of their dependencies say; for the one on `tidegate.pauses.WOKEN`.

        Returns:
            When to do so again, by dependency: at the end of its cool-down.

        Raises:
            Ungoverned, StoreUnavailable: not all could be looked through, and no sweep has followed yet that will.
        """
        if self._ports.controls is None:
            raise ConfigurationError("this process has no say over subscriptions: give its Ports the controls")
        governor = Governor(
            self._ports.controls(), self._ports.circuits, clock=self._ports.clock, jitter=self._ports.jitter
        )
        try:
            return await governor.review(self._config.governs, every_end=self.attempt > 1)
        except (Ungoverned, StoreUnavailable):
            if self._is_superseded:
                return {}
            raise

    def close(self) -> "AsyncWriteBatch | None":
        """End the handler's rights, and what it left running, and hand over its batch.

        Its thread, if it has one, may run on; whatever that awaits is cancelled or refused.
        """
        self._closed = True
        for task in self._tasks:
            task.cancel()
        return self._batch if self._batch is not None and len(self._batch) else None

    @property
    def lease_left(self) -> float:
        """Seconds until another delivery may take over; without end for a pure handler, which holds nothing."""
        if self._slot.record is None:
            return math.inf
        return (self._slot.record.lease_until - self._ports.clock()).total_seconds()

    @property
    def _is_superseded(self) -> bool:
        """Whether the event is older than a sweep, so that to try it again and again would only pile them up."""
        published = self._delivery.message.publish_time
        return published is not None and self._ports.clock() - published > SWEEP

    @contextmanager
    def _underway(self) -> Iterator[None]:
        """Lets `close` cancel the task that is inside when the handler has ended."""
        task = asyncio.current_task()
        if task is None or task in self._tasks:
            yield
            return
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    @property
    def _claim(self) -> Record:
        assert self._slot.record is not None
        return self._slot.record

    def _impure(self, what: str) -> None:
        if self._slot.record is None:
            raise TidegateError(f"{what} is an effect, and this handler is declared pure: drop pure=True")

    def _hold(self) -> None:
        """Refuse an effect that could not count any more."""
        if self._closed or self._ports.clock() >= self._claim.lease_until:
            raise LeaseLost("the delivery's time is up: another attempt may be running")


def _discard(awaitable: Awaitable[Any]) -> None:
    """End a coroutine that never started, so that nobody complains that it was not awaited."""
    if inspect.iscoroutine(awaitable):
        awaitable.close()
