"""How long to wait between tries, and when to stop trying."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from tidegate.client.errors import GatewayUnavailable

PATIENCE_SECONDS = 60.0
"""How long a request is tried again unless a client is told otherwise."""

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


OnWait: TypeAlias = Callable[[GatewayUnavailable, float], object]
"""Is told why a client waits before it tries again, and for how many seconds."""


class Attempts:
    """The tries of one request: exponential backoff with full jitter, for ``patience`` seconds at most."""

    def __init__(self, pacing: Pacing, patience: float, on_wait: OnWait | None = None) -> None:
        self._pacing = pacing
        self._patience = patience
        self._on_wait = on_wait
        self._deadline = pacing.now() + patience
        self._failed = 0

    async def pause_after(self, error: GatewayUnavailable) -> None:
        """Wait until the next try; not before the gateway asked to be tried again.

        Many may have been asked to come at the same time: they spread over half as long again.

        Raises:
            GatewayUnavailable: by then the patience would be over.
        """
        asked = error.retry_after or 0
        ceiling = min(max(_FIRST_SECONDS * 2**self._failed, asked / 2), _LONGEST_SECONDS)
        self._failed += 1
        seconds = asked + self._pacing.jitter(ceiling)
        if self._pacing.now() + seconds > self._deadline:
            tries = "1 try" if self._failed == 1 else f"{self._failed} tries"
            raise GatewayUnavailable(
                f"{error}; gave up after {tries}, with a patience of {self._patience:g} s: try again later, or give "
                "the client more patience",
                retry_after=error.retry_after,
            ) from error
        if self._on_wait:
            self._on_wait(error, seconds)
        await self._pacing.pause(seconds)
