"""What a run about limits per key begins with."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from tests.simulation.gates import CLASSES, KINDS, GateChanged
from tests.simulation.world import EPOCH
from tidegate.events import Event
from tidegate.messages import Outgoing


@dataclass(frozen=True)
class Change:
    """One event.

    Attributes:
        at: the second at which it is published.
        age: how many seconds before that it was made: it had to wait for something else.
        again_at: when its message is published once more; None for never.
        class_: how important it is.
    """

    number: int
    at: float
    data: GateChanged
    age: float = 0
    again_at: float | None = None
    class_: str = ""

    @property
    def published(self) -> datetime:
        return EPOCH + timedelta(seconds=self.at)

    @property
    def event(self) -> Event:
        made = self.published - timedelta(seconds=self.age)
        return Event(
            f"change-{self.number}",
            "gate.changed",
            "/simulation",
            self.data.to_json(),
            made,
            version=1,
            class_=self.class_,
        )

    @property
    def message(self) -> Outgoing:
        return Outgoing(self.event.type, self.event.data, self.event.attributes())


@dataclass(frozen=True)
class GateScenario:
    """The changes of some gates."""

    changes: tuple[Change, ...]

    @classmethod
    def drawn(cls, random: Random) -> "GateScenario":
        """A few changes of a gate or two, some of them close together."""
        gates = random.choice([1, 1, 1, 2])
        changes, moment = [], 0.0
        for number in range(random.randint(2, 5)):
            moment += random.choice([0.0, 1.0, 4.0, 12.0, 40.0]) * random.random()
            data = GateChanged(
                gate=f"g{random.randrange(gates)}",
                kind=random.choices(KINDS, weights=[8, 2, 2, 1])[0],
                seconds=random.choice([0.0, 3.0, 9.0]),
            )
            again = moment + 20 * random.random() if random.random() < 0.2 else None
            age = 15 * random.random() if random.random() < 0.15 else 0
            changes.append(Change(number, moment, data, age, again, random.choice(CLASSES)))
        return cls(tuple(changes))
