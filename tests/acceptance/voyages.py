"""Voyages as tests plan them, and what must become of each, whatever happens on the way."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from tidegate.jobs import JobState


@dataclass(frozen=True)
class Voyage:
    """One voyage of the fleet; its job is submitted as ``voyage.planned``, whose contract says what the fields mean.

    Attributes:
        cancelled: whether its job is cancelled once it can go no further.
    """

    voyage: str
    ports: int = 2
    crates: int = 2
    announcements: int = 1
    gathered: bool = False
    held: bool = False
    delayed: bool = False
    undone: int = 0
    spoiled: tuple[int, ...] = ()
    contraband: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()
    cancelled: bool = False

    @property
    def data(self) -> dict[str, Any]:
        """The event's data."""
        return {name: value for name, value in asdict(self).items() if name != "cancelled"}

    @property
    def state(self) -> JobState:
        """How its job ends: what is spoiled is mended in time, and what is lost is not found."""
        if self.cancelled:
            return JobState.CANCELLED
        return JobState.FAILED if self.lost else JobState.SUCCEEDED

    @property
    def failures(self) -> Counter[tuple[str, str]]:
        """(Function, fault) of what its job has failed in."""
        if self.cancelled:
            return Counter({("hold_quay", "cancelled"): 1})
        return Counter({("land_crate", "rejected"): len(self.lost) * self.announcements} if self.lost else {})

    @property
    def letters(self) -> int:
        """How many dead letters there are of it before anything is mended."""
        return len((*self.spoiled, *self.contraband, *self.lost)) * self.announcements

    @property
    def compensations(self) -> list[int]:
        """What is undone, in order."""
        return [] if self.state is JobState.SUCCEEDED else list(reversed(range(self.undone)))

    @property
    def work(self) -> int:
        """The units of work that its job counts in the end."""
        planned = (2 if self.gathered else self.ports) + self.held
        crates = self.ports * self.crates * self.announcements * 2
        return 1 + planned + self.gathered * self.ports + crates + len(self.compensations)

    @property
    def names(self) -> list[str]:
        """Its crates."""
        return [f"{self.voyage}-{number}" for number in range(self.ports * self.crates)]

    @property
    def landings(self) -> dict[str, int]:
        """How often each crate is landed; one that is lost is not."""
        lost = {f"{self.voyage}-{number}" for number in self.lost}
        return {name: self.announcements for name in self.names if name not in lost}


def fleet() -> list[Voyage]:
    """Voyages of every kind: wide and deep, gathered and not, spoilt and mended, failing and undone, cancelled."""
    return [
        Voyage("wide", ports=1, crates=80, gathered=True),
        Voyage("many", ports=70, crates=0, gathered=True),
        Voyage("long", ports=70, crates=1),
        *(Voyage(f"plain-{n}", ports=3, gathered=n % 2 == 0, delayed=n % 3 == 0) for n in range(8)),
        *(
            Voyage(
                *(f"spoiled-{n}", 2, 3, 1 + n % 2),
                gathered=n < 4,
                held=True,
                undone=2,
                spoiled=(0, 4),
                contraband=(1,),
            )
            for n in range(6)
        ),
        *(
            Voyage(f"lost-{n}", 2, 2, 1 + n // 2, gathered=n % 2 == 0, held=True, undone=3, spoiled=(1,), lost=(2,))
            for n in range(4)
        ),
        *(Voyage(f"cancelled-{n}", ports=1, gathered=n > 0, held=True, undone=n, cancelled=True) for n in range(3)),
    ]
