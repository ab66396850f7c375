"""What goes through an application: how many deliveries, how they end, and how long they take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tidegate.errors import TidegateError
from tidegate.verdicts import Verdict

FAILING = (Verdict.RETRY, Verdict.DEAD)
"""How deliveries end that failed; the same as for the alert."""


class TrafficUnknown(TidegateError):
    """Nobody could be asked for the traffic; the message says why."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How values are spread.

    Attributes:
        bounds: in seconds, rising.
        counts: how many values are at most as large as each bound and larger than the one before it; the last of
            them how many are larger than all.
    """

    bounds: tuple[float, ...] = ()
    counts: tuple[float, ...] = ()

    @property
    def total(self) -> float:
        return sum(self.counts)

    def quantile(self, share: float) -> float | None:
        """The value that ``share`` of all are at most as large as, about; None where there are none.

        As Prometheus reckons it: evenly within each bucket, and never above the last bound.
        """
        rank, below = share * self.total, 0.0
        if not rank:
            return None
        for number, count in enumerate(self.counts[:-1]):
            if count and below + count >= rank:
                low = self.bounds[number - 1] if number else 0.0
                return low + (self.bounds[number] - low) * (rank - below) / count
            below += count
        return self.bounds[-1]


@dataclass(frozen=True, slots=True)
class FunctionTraffic:
    """What goes through one function.

    Attributes:
        per_second: how many deliveries end.
        verdicts: how many have ended so, in the window.
        duration: from receipt to answer, of those that ran their handler, in the window.
        latency: from publication to done, likewise.
        backlog: how many messages wait for it or are being handled; None where nobody knows.
    """

    per_second: float = 0.0
    verdicts: Mapping[Verdict, float] = field(default_factory=dict)
    duration: Spread = Spread()
    latency: Spread = Spread()
    backlog: int | None = None

    @property
    def failing(self) -> float | None:
        """The share of the deliveries that failed; None where there were none."""
        total = sum(self.verdicts.values())
        return sum(self.verdicts.get(each, 0) for each in FAILING) / total if total else None


@dataclass(frozen=True, slots=True)
class Traffic:
    """What goes through the application.

    Attributes:
        window_seconds, rate_seconds: of which time before ``as_of`` numbers and spreads are, and of which rates are.
        published: messages a second, by topic.
    """

    as_of: datetime
    window_seconds: float
    rate_seconds: float
    functions: Mapping[str, FunctionTraffic]
    published: Mapping[str, float]


class TrafficSource(Protocol):
    """Who knows the traffic."""

    async def look(self) -> Traffic:
        """The traffic as it is now, with every function and topic of the topology.

        Raises:
            TrafficUnknown: nobody can tell.
        """
        ...
