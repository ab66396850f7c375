"""The time of day, and what a test has added to it."""

from datetime import datetime, timedelta

from tidegate.clock import system_clock


class WoundClock:
    """Goes as fast as any other clock, and can be wound on."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self._ahead

    def advance(self, seconds: float) -> None:
        """Have it be so much later."""
        self._ahead += timedelta(seconds=seconds)
