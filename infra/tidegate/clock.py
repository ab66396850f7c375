"""Time as a parameter, so that tests and the simulation own it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Returns the present moment, aware, in UTC, with microseconds at most."""


def system_clock() -> datetime:
    """The machine's own clock."""
    return datetime.now(UTC)
