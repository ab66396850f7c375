"""Time that passes only while somebody waits for it."""

from collections import deque
from collections.abc import Callable

from tidegate.client.pacing import Pacing


class HandWoundTime:
    """A clock for the client's pacing, with no chance in it.

    Attributes:
        pauses: the seconds of each wait.
        meanwhile: what happens during the next waits, one for each.
    """

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.meanwhile: deque[Callable[[], None]] = deque()
        self.pacing = Pacing(now=lambda: sum(self.pauses), pause=self._pause, jitter=lambda ceiling: ceiling)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self.meanwhile:
            self.meanwhile.popleft()()
