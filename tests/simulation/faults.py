"""Faults, where they strike, and the trace of what happened."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, Protocol, TypeVar

from google.api_core.exceptions import DeadlineExceeded

T = TypeVar("T")

LATEST_SECONDS = 240.0
"""The longest that a late answer takes: far beyond every lease of the application."""


class Fault(StrEnum):
    """What can happen to one I/O operation."""

    FAILS_BEFORE = "fails before"
    FAILS_AFTER = "fails after"
    NEVER_ANSWERS = "never answers"
    ANSWERS_LATE = "answers late"
    DIES_BEFORE = "dies before"
    DIES_AFTER = "dies after"

    @property
    def deadly(self) -> bool:
        """Whether the process that asks dies of it; the broker, which is none, gets the failure alone."""
        return self in (Fault.DIES_BEFORE, Fault.DIES_AFTER)


class Plan(Protocol):
    """Decides which operation meets which fault."""

    def at(self, number: int) -> Fault | None:
        """The fault of the ``number``-th operation of the run, from 0."""
        ...


@dataclass(frozen=True)
class Placed:
    """Faults at chosen operations."""

    faults: Mapping[int, Fault]

    def at(self, number: int) -> Fault | None:
        return self.faults.get(number)


@dataclass
class Seeded:
    """Faults drawn at a rate, up to a number: after the last one the system must recover by itself."""

    random: Random
    rate: float
    most: int

    def at(self, number: int) -> Fault | None:
        if self.most == 0 or self.random.random() >= self.rate:
            return None
        self.most -= 1
        return self.random.choice(list(Fault))


@dataclass
class Process:
    """One instance of one function: its memory, and a clock of its own.

    Attributes:
        context: where its requests begin: that of the run, whatever the broker's own calls run in.
        requests: what it works on, in the order in which it began; a set would have another order in each run.
    """

    name: str
    skew_seconds: float
    context: Context
    alive: bool = True
    requests: dict["asyncio.Task[int]", None] = field(default_factory=dict)

    def die(self) -> None:
        """As by SIGKILL: nothing of it runs any further."""
        self.alive = False
        for request in self.requests:
            request.cancel()


@dataclass
class Chaos:
    """Performs every I/O operation of a run, with the latency and the fault that the run has for it.

    Attributes:
        operations: of each that was begun, whether a process asked for it, which can die, or the broker.
    """

    plan: Plan
    random: Random
    traced: bool = False
    trace: list[str] = field(default_factory=list)
    operations: list[bool] = field(default_factory=list)
    _unanswered: list["asyncio.Future[Any]"] = field(default_factory=list)

    async def io(
        self,
        process: Process | None,
        what: str,
        action: Callable[[], Awaitable[T]],
        failure: Callable[[str], Exception],
        patience_seconds: float | None = None,
    ) -> T:
        """Perform ``action`` for ``process`` (None: the broker, which does not die).

        Args:
            patience_seconds: after which the call gives up by itself; None where it waits for ever.

        Raises:
            failure: what the caller's port raises when the other side fails.
            DeadlineExceeded: there was no answer within ``patience_seconds``.
        """
        if process is not None and not process.alive:
            await self._forever()
        number = len(self.operations)
        self.operations.append(process is not None)
        fault = self.plan.at(number)
        if self.traced:
            who = process.name if process else "broker"
            self.note(f"#{number} {who}: {what}" + (f"  ⚡ {fault}" if fault else ""))
        # The way there or the way back takes its time; both would only make the run longer.
        there = self.random.random() < 0.5
        latency = self.random.uniform(0.001, 0.1)
        if there:
            await asyncio.sleep(latency)
        match fault:
            case None:
                pass
            case Fault.FAILS_BEFORE:
                raise failure(f"#{number} failed before it was done")
            case Fault.NEVER_ANSWERS:
                await self._silence(number, patience_seconds)
            case Fault.DIES_BEFORE if process is not None:
                process.die()
                await self._forever()
            case Fault.DIES_BEFORE:
                raise failure(f"#{number} failed before it was done")
            case Fault.ANSWERS_LATE:
                delay = self.random.uniform(0, LATEST_SECONDS)
                task = asyncio.get_running_loop().create_task(self._late(number, delay, action))
                self._unanswered.append(task)
                task.add_done_callback(_heard)
                await self._silence(number, patience_seconds)
            case _:
                pass
        if process is not None and not process.alive:
            await self._forever()
        result = await action()
        if fault is Fault.DIES_AFTER and process is not None:
            process.die()
            await self._forever()
        if fault in (Fault.FAILS_AFTER, Fault.DIES_AFTER):
            raise failure(f"#{number} failed after it was done")
        if not there:
            await asyncio.sleep(latency)
        return result

    def note(self, line: str) -> None:
        """Add a line to the trace, with the time; costly, so only where somebody wants to read it."""
        if self.traced:
            self.trace.append(f"{asyncio.get_running_loop().time():10.3f}  {line}")

    async def _silence(self, number: int, patience_seconds: float | None) -> None:
        if patience_seconds is None:
            await self._forever()
        else:
            await asyncio.sleep(patience_seconds)
            raise DeadlineExceeded(f"#{number} was not answered in time")

    async def _forever(self) -> None:
        """Wait for an answer that never comes; kept, or asyncio would collect the waiting task."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unanswered.append(future)
        await future

    async def _late(self, number: int, delay: float, action: Callable[[], Awaitable[T]]) -> T:
        await asyncio.sleep(delay)
        self.note(f"#{number} takes effect late")
        return await action()


def _heard(task: "asyncio.Task[object]") -> None:
    if not task.cancelled():
        task.exception()
