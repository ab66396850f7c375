"""Outside services that handlers call, within the limits that the topology declares."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tidegate.errors import ConfigurationError
from tidegate.topology import Dependency


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a dependency.

    Attributes:
        url: its base address.
        timeout_seconds: the bound on this use; also a good value for the HTTP client's own timeout.
    """

    name: str
    url: str
    timeout_seconds: float


class Dependencies:
    """The dependencies of one function instance; bounds how many uses run at the same time."""

    def __init__(self, declared: Mapping[str, Dependency], environment: Mapping[str, str]) -> None:
        self._uses = {
            name: Use(name, environment.get(url_variable(name), each.url), each.timeout_seconds)
            for name, each in declared.items()
        }
        self._slots = {name: asyncio.Semaphore(each.concurrency) for name, each in declared.items()}

    @asynccontextmanager
    async def use(self, name: str) -> AsyncIterator[Use]:
        """Wait for a free place, then bound what happens inside by the dependency's timeout.

        Raises:
            ConfigurationError: the function does not declare this dependency.
            TimeoutError: the body took longer than the topology allows.
        """
        if name not in self._uses:
            raise ConfigurationError(
                f"dependency {name!r} is not declared: name it in topology.yaml, "
                "under dependencies and under this function's dependencies"
            )
        async with self._slots[name], asyncio.timeout(self._uses[name].timeout_seconds):
            yield self._uses[name]


def url_variable(name: str) -> str:
    """The environment variable that overrides a dependency's address: ``rebooking-api`` → ``REBOOKING_API_URL``."""
    return f"{name.upper().replace('-', '_')}_URL"
