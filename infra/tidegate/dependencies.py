"""Outside services that handlers call, within the limits that the topology declares."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tidegate.dependency_limits import Dependency
from tidegate.errors import ConfigurationError, DependencyCutOff
from tidegate.ports import Ports
from tidegate.rates import Rate
from tidegate.shared_breakers import SharedBreaker
from tidegate.signs import Sign, sign_of
from tidegate.threads import called


async def _never(number: int, error: Exception) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a dependency.

    Attributes:
        url: its base address.
        timeout_seconds: the bound on this use; also a good value for the HTTP client's own timeout.
        again: pauses after the call of this number has failed, and says whether to make another.
    """

    name: str
    url: str
    timeout_seconds: float
    again: Callable[[int, Exception], Awaitable[bool]] = field(default=_never, repr=False, compare=False)

    async def call(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """The result of ``call``, made again at once after a passing failure, as the topology's retries say.

        It may so be made more than once, though its first effect stands: give the outside service an
        `idempotency_key`. As a step it is ``ctx.step("book", api.call, book, …)``.

        Args:
            call: ``async def``, or ``def``, which then runs in a thread.
        """
        number = 0
        while True:
            number += 1
            try:
                return await called(call, *args, **kwargs)
            except Exception as error:
                if not await self.again(number, error):
                    raise


class Dependencies:
    """The dependencies of one function instance."""

    def __init__(self, declared: Mapping[str, Dependency], environment: Mapping[str, str], ports: Ports) -> None:
        self._outside = {
            name: _Outside(name, environment.get(url_variable(name), each.url), each, ports)
            for name, each in declared.items()
        }

    async def gate(self, event_id: str) -> None:
        """Return if all of them may be used now, for this event.

        Raises:
            DependencyCutOff: one may not.
        """
        for each in self._outside.values():
            await each.gate(event_id)

    def use(self, name: str, seconds_left: float = math.inf, *, event_id: str = "") -> AbstractAsyncContextManager[Use]:
        """Wait for a free place, then bound what happens inside by the dependency's timeout.

        Args:
            seconds_left: how long it makes sense to wait for the dependency's rate.
            event_id: the event that it is used for; empty for none.

        Raises:
            ConfigurationError: the function does not declare this dependency.
            DependencyCutOff: it must not be used now.
            TimeoutError: the body took longer than the topology allows.
        """
        if name not in self._outside:
            raise ConfigurationError(
                f"dependency {name!r} is not declared: name it in topology.yaml, "
                "under dependencies and under this function's dependencies"
            )
        return self._outside[name].use(seconds_left, event_id)


class _Outside:
    """One dependency of one function instance."""

    def __init__(self, name: str, url: str, declared: Dependency, ports: Ports) -> None:
        self._name = name
        self._url = url
        self._declared = declared
        self._jitter = ports.jitter
        self._slots = asyncio.Semaphore(declared.concurrency)
        self._rate = Rate(declared.rate_per_second) if declared.rate_per_second else None
        self._breaker = SharedBreaker(name, declared.breaker, ports) if declared.breaker else None

    async def gate(self, event_id: str) -> None:
        if self._breaker:
            await self._breaker.gate(event_id)

    @asynccontextmanager
    async def use(self, seconds_left: float, event_id: str) -> AsyncIterator[Use]:
        time = asyncio.get_running_loop().time
        seconds = self._declared.timeout_seconds
        run_ends = time() + seconds_left
        async with self._slots:
            if not await self._in_turn(run_ends):
                raise DependencyCutOff(
                    self._name,
                    f"is called {self._declared.rate_per_second:g} times a second, "
                    "and its next place comes after this run's time",
                )
            async with self._breaker.watch(event_id) if self._breaker else nullcontext(), asyncio.timeout(seconds):
                again = partial(self._again, time() + seconds)
                yield Use(self._name, self._url, seconds, again)

    async def _again(self, use_ends: float, number: int, error: Exception) -> bool:
        """Whether to make another call after the one of this ``number`` has failed; returns when it is due."""
        retries = self._declared.retries
        if number >= retries.attempts or sign_of(error) is not Sign.FAILED:
            return False
        longest = min(retries.longest_pause_seconds, retries.first_pause_seconds * 2 ** (number - 1))
        await asyncio.sleep(self._jitter(longest))
        # Retries are for what passes at once: after a use that failed with all of them, one failure is enough.
        well = self._breaker is None or self._breaker.is_well
        return well and await self._in_turn(use_ends)

    async def _in_turn(self, ends: float) -> bool:
        """Wait for a place in the rate; False, at once, if the next one comes after ``ends``."""
        if self._rate is None:
            return True
        now = asyncio.get_running_loop().time()
        wait = self._rate.reserve(now, ends - now)
        if wait is None:
            return False
        await asyncio.sleep(wait)
        return True


def url_variable(name: str) -> str:
    """The environment variable that overrides a dependency's address: ``rebooking-api`` → ``REBOOKING_API_URL``."""
    return f"{name.upper().replace('-', '_')}_URL"
