"""What so many events a second need of Google Cloud, by the operations that are counted and the time measured."""

import math
from dataclasses import dataclass

from tidegate_ops.costs import EVENT_BYTES, WRITES

RATES = (1_000, 10_000, 100_000, 1_000_000)
FIRST_WRITES, GROWTH, GROWTH_MINUTES = 500, 1.5, 5
"""Firestore's advice for traffic to new documents: from 500 a second on, half as much again every five minutes."""
SERVER_WRITES = 500
"""A second, that one server of Firestore's is taken to manage: keys have to be spread over as many ranges."""
BUSY = 0.6
"""Of an instance's one processor, at which Cloud Run adds instances."""


@dataclass(frozen=True, slots=True)
class Scale:
    """One rate of events with one child each, handled by one function."""

    per_second: int
    cpu_us: float

    @property
    def writes(self) -> int:
        """Documents written a second."""
        return self.per_second * WRITES

    @property
    def ramp_minutes(self) -> int:
        """How long Firestore's advice makes the way there, from nothing."""
        steps = math.ceil(math.log(max(self.writes / FIRST_WRITES, 1), GROWTH))
        return steps * GROWTH_MINUTES

    @property
    def ranges(self) -> int:
        """Over how many key ranges, each on a server of its own, the writes have to be spread."""
        return math.ceil(self.writes / SERVER_WRITES)

    @property
    def megabytes(self) -> float:
        """Pushed a second, and published as many."""
        return self.per_second * EVENT_BYTES / 1e6

    @property
    def instances(self) -> int:
        """Of one processor each."""
        return math.ceil(self.per_second * self.cpu_us / 1e6 / BUSY)
