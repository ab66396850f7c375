"""What a run about jobs begins with, and what people do while it goes on."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from tests.simulation.trips import FORMS, KINDS, TOPOLOGY, Leg, TripPlanned
from tests.simulation.world import EPOCH
from tidegate.events import Event
from tidegate.jobs import NewJob
from tidegate.messages import Outgoing
from tidegate.places import ROOT, Place

_LIFETIME = timedelta(days=45)
_WIDE = 70  # more than one document counts
_LATEST_SECONDS = 150.0
PATIENT_DELIVERIES = 100
"""So often a broker tries that no faults of a run use it up."""


@dataclass(frozen=True)
class Submission:
    """A trip handed in.

    Attributes:
        tracked: as a job; otherwise its event is published without any place.
        callback: somebody wants to be told of its end.
        at: the seconds at which it is submitted; more than one are repetitions under the same id.
        cancelled_at: when its cancellation is asked for; None for never.
    """

    number: int
    trip: TripPlanned
    tracked: bool = True
    callback: bool = False
    at: tuple[float, ...] = (0.0,)
    cancelled_at: float | None = None

    @property
    def job(self) -> str:
        return f"{self.number:032x}"

    @property
    def message(self) -> Outgoing:
        """The event, with its place where it is a job's."""
        event = Event(f"trip-{self.number}", "trip.planned", "/simulation", self.trip.to_json(), EPOCH, version=1)
        functions = TOPOLOGY.subscribers(event.type)
        place = Place(self.job, ROOT, 0, len(functions), functions).attributes() if self.tracked else {}
        return Outgoing(event.type, event.data, event.attributes() | place)

    @property
    def new(self) -> NewJob:
        """The job, as the front door accepts it."""
        payload_hash = hashlib.sha256(self.message.data).hexdigest()
        url = "https://example.com/hook" if self.callback else ""
        return NewJob(
            self.job,
            self.message,
            TOPOLOGY.subscribers(self.message.topic),
            payload_hash,
            EPOCH,
            EPOCH + _LIFETIME,
            url,
        )


@dataclass(frozen=True)
class TripScenario:
    """What happens from outside.

    Attributes:
        redriven_at: the seconds at which an operator sends every open letter back.
        redriven_promptly: so many letters are sent back as soon as they are on file.
        copied_at: when every message so far is published once more; None for never.
        mended_at: from when on what could not be booked can be; None for never while the jobs run.
        max_deliveries: after so many the broker gives up on a message.
        mended_at_last: it can be when, after all has come to rest, the remaining letters are redriven.
    """

    submissions: tuple[Submission, ...]
    redriven_at: tuple[float, ...] = ()
    redriven_promptly: int = 0
    copied_at: float | None = None
    mended_at: float | None = None
    mended_at_last: bool = True
    max_deliveries: int = PATIENT_DELIVERIES

    @classmethod
    def drawn(cls, random: Random) -> "TripScenario":
        """A trip or two of a few legs; rarely one with a wide fan-out."""
        submissions = tuple(_submission(random, number) for number in range(random.choice([1, 1, 1, 1, 2])))
        return cls(
            submissions,
            tuple(_moment(random) for _ in range(random.choice([0, 0, 1, 1, 2]))),
            random.choice([0, 0, 0, 1, 3]),
            _moment(random) if random.random() < 0.2 else None,
            _moment(random) if random.random() < 0.5 else None,
            random.random() < 0.7,
            5 if random.random() < 0.2 else PATIENT_DELIVERIES,
        )


def _submission(random: Random, number: int) -> Submission:
    return Submission(
        number,
        _trip(random, number),
        tracked=random.random() < 0.9,
        callback=random.random() < 0.4,
        at=(0.0, *(_moment(random) for _ in range(random.random() < 0.25))),
        cancelled_at=_moment(random) if random.random() < 0.2 else None,
    )


def _trip(random: Random, number: int) -> TripPlanned:
    wide = random.random() < 0.005
    count = _WIDE if wide else random.choice([0, 1, 1, 2, 2, 3])
    kinds = random.choices(KINDS, weights=[6, 3, 4, 1, 2, 1, 1, 1], k=count)
    if wide:
        kinds[3:] = ["fruitless"] * (count - 3)
    seats = [f"{random.choice(['good', 'good', 'broken'])}-{number}" for _ in range(2)]
    legs = tuple(
        Leg(trip=f"t{number}", number=place, kind=kind, seat=random.choice(seats)) for place, kind in enumerate(kinds)
    )
    delay = random.choice([5.0, 60.0]) if random.random() < 0.2 else 0.0
    return TripPlanned(trip=f"t{number}", form=random.choice(FORMS), legs=legs, delay_seconds=delay)


def _moment(random: Random) -> float:
    """Soon, mostly: that is when the most happens."""
    return random.choice([2.0, 10.0, 40.0, _LATEST_SECONDS]) * random.random()
