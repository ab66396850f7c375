"""What a run about an outage is made of: when the partner is down and how, what arrives meanwhile, who intervenes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import Random

from contracts.flights import FlightCancelled
from tests.simulation.world import EPOCH
from tidegate.events import Event
from tidegate.messages import Outgoing


class Manner(StrEnum):
    """How the partner fails."""

    REFUSES = "refuses connections"
    FAILS = "answers 500"
    HANGS = "does not answer in time"


@dataclass(frozen=True)
class Outage:
    """The partner is down from ``start`` to ``end``, in seconds."""

    start: float
    end: float
    manner: Manner


@dataclass(frozen=True)
class Holding:
    """An operator pauses the function at ``start`` and lets it go at ``end``, in seconds."""

    start: float
    end: float


@dataclass(frozen=True)
class OutageScenario:
    """What happens from outside.

    Attributes:
        flights: when each cancelled flight becomes known, in seconds.
    """

    flights: tuple[float, ...]
    outages: tuple[Outage, ...]
    holding: Holding | None = None

    @classmethod
    def drawn(cls, random: Random) -> "OutageScenario":
        """One or two outages, some of them longer than every cool-down; sometimes an operator in between."""
        outages: list[Outage] = []
        start = random.uniform(0, 20)
        for _ in range(random.choice([1, 1, 2])):
            end = start + random.choice([15.0, 60.0, 200.0, 700.0])
            outages.append(Outage(start, end, random.choice(list(Manner))))
            start = end + random.choice([5.0, 100.0])
        last = outages[-1].end
        flights = tuple(sorted(random.uniform(0, last) for _ in range(random.randint(4, 8))))
        # Often when the governor is about to act.
        begin = random.choice([random.uniform(0, last), outages[0].start + random.uniform(0.5, 4)])
        holding = Holding(begin, begin + 700) if random.random() < 0.4 else None
        return cls(flights, tuple(outages), holding)

    @property
    def ids(self) -> Sequence[str]:
        """The flights' ids."""
        return [f"UA{number}-EWR-20130208" for number in range(100, 100 + len(self.flights))]

    def messages(self) -> list[Outgoing]:
        """The cancelled flights, in order."""
        return [_cancelled(flight) for flight in self.ids]

    def manner_at(self, seconds: float) -> Manner | None:
        """How the partner fails at this moment; None while it does not."""
        return next((each.manner for each in self.outages if each.start <= seconds < each.end), None)


def _cancelled(flight_id: str) -> Outgoing:
    flight = FlightCancelled(
        flight_id=flight_id,
        airline="United Air Lines Inc.",
        origin="EWR",
        destination="IAH",
        scheduled_departure=EPOCH + timedelta(hours=5),
    )
    event = Event(
        id=flight_id, type="flight.cancelled", source="/simulation", data=flight.to_json(), time=EPOCH, version=1
    )
    return Outgoing(event.type, event.data, event.attributes())
