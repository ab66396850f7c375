"""How long a call that fails is made again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tidegate.adapters.google_failures import call_errors

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Patience:
    """Pauses that double, each of a random part of its bound ("full jitter", as in `ports.full_jitter`).

    Attributes:
        tries: how many calls there are at most.
        seconds: from when on, counted from the first call, there is none again.
        first_pause, longest_pause: the bounds, in seconds, of the first pause and of any.
        jitter: draws from 0 to 1.
    """

    tries: int
    seconds: float
    first_pause: float
    longest_pause: float
    jitter: Callable[[], float] = random.random

    async def answer(self, call: Callable[[], Awaitable[_Answer]], *, again_after: tuple[str, ...]) -> _Answer:
        """The call's answer; made again after the errors named, of `google.api_core.exceptions`.

        Raises:
            Exception: what the last call raised.
        """
        time = asyncio.get_running_loop().time
        ends, bound = time() + self.seconds, self.first_pause
        for _ in range(self.tries - 1):
            try:
                return await call()
            except call_errors(*again_after):
                pause = bound * self.jitter()
                if time() + pause > ends:
                    raise
            await asyncio.sleep(pause)
            bound = min(2 * bound, self.longest_pause)
        return await call()
