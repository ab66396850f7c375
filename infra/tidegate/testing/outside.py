"""A function's dependencies in a world: as the topology declares them, and told to fail."""

import math
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from tidegate.dependencies import Dependencies, Use
from tidegate.dependency_limits import Dependency
from tidegate.ports import Ports


class FailingDependencies(Dependencies):
    """Rates, timeouts and breakers are the real ones; a use fails with what `fail` was given for it, in turn."""

    def __init__(self, declared: Mapping[str, Dependency], environment: Mapping[str, str], ports: Ports) -> None:
        super().__init__(declared, environment, ports)
        self._failures: dict[str, deque[Exception]] = defaultdict(deque)

    def fail(self, name: str, error: Exception, times: int) -> None:
        """Make the next uses fail, before anything is called."""
        self._failures[name].extend([error] * times)

    def use(self, name: str, seconds_left: float = math.inf, *, event_id: str = "") -> AbstractAsyncContextManager[Use]:
        return self._used(name, super().use(name, seconds_left, event_id=event_id))

    @asynccontextmanager
    async def _used(self, name: str, use: AbstractAsyncContextManager[Use]) -> AsyncIterator[Use]:
        async with use as outside:
            if self._failures[name]:
                raise self._failures[name].popleft()
            yield outside
