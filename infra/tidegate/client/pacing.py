"""How long to wait between tries, and when to stop trying."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tidegate.client.errors import GatewayUnavailable

_FIRST_SECONDS = 0.2
_LONGEST_SECONDS = 10.0


def full_jitter(ceiling: float) -> float:
    """Anywhere below ``ceiling``, so that clients that failed together do not come back together."""
    return random.uniform(0, ceiling)  # noqa: S311 - spreads load, guards nothing


@dataclass(frozen=True, slots=True)
class Pacing:
    """Time and chance, so that tests own them. Everything is in seconds.

    Attributes:
        now: a clock that never goes back.
    """

    now: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    jitter: Callable[[float], float] = full_jitter


class Attempts:
    """The tries of one request: exponential backoff with full jitter, for ``patience`` seconds at most."""

    def __init__(self, pacing: Pacing, patience: float) -> None:
        self._pacing = pacing
        self._patience = patience
        self._deadline = pacing.now() + patience
        self._failed = 0

    async def pause_after(self, error: GatewayUnavailable) -> None:
        """Wait until the next try; not before the gateway asked to be tried again.

        Raises:
            GatewayUnavailable: by then the patience would be over.
        """
        ceiling = min(_FIRST_SECONDS * 2**self._failed, _LONGEST_SECONDS)
        self._failed += 1
        seconds = (error.retry_after or 0) + self._pacing.jitter(ceiling)
        if self._pacing.now() + seconds > self._deadline:
            tries = "1 try" if self._failed == 1 else f"{self._failed} tries"
            message = f"{error}; gave up after {tries}, with a patience of {self._patience:g} s"
            raise GatewayUnavailable(message, retry_after=error.retry_after) from error
        await self._pacing.pause(seconds)
