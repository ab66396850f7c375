"""When a function's messages wait in Pub/Sub instead of being pushed to it: its pause, without any effect.

A pause has two reasons, independent of each other: an operator holds the function, or the machine has cut it off
because a dependency's circuit is open. It is paused while there is one of them. The pause also keeps the push
configuration that was taken off the subscription, because it is the only one who still knows it.

What is written is what is wanted. `next_step` compares it with the subscription as it is, and says what to do next;
whoever repeats it until it says `Rest` brings the two together, wherever somebody else stopped half-way.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from tidegate.breakers import Circuit
from tidegate.events import Event, digest, timestamp
from tidegate.messages import Outgoing

WOKEN = "governor.woken"
"""Topic and type of the event that the pauses are to be looked through: something may have changed."""


@dataclass(frozen=True, slots=True)
class Push:
    """How Pub/Sub pushes a subscription's messages.

    Attributes:
        account: the service account that requests are signed as; empty where they are not.
        audience: what the signature is for; empty for the endpoint.
        unwrapped: whether the message's data alone is the request's body.
        metadata: whether an unwrapped message's attributes come along as headers.
        attributes: Pub/Sub's own settings, such as ``x-goog-version``.
    """

    endpoint: str
    account: str = ""
    audience: str = ""
    unwrapped: bool = False
    metadata: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Hold:
    """An operator's reason: who paused the function, why (may be empty) and when."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CutOff:
    """The machine's reason: a dependency whose circuit is open.

    Attributes:
        until: when the cool-down ends, by the clock of whoever opened the circuit; for people.
        ends: the same by the clock of whoever read the circuit.
        at: when that was found.
    """

    dependency: str
    until: datetime | None
    reason: str
    ends: datetime = field(compare=False)
    at: datetime = field(compare=False)

    @classmethod
    def of(cls, dependency: str, circuit: Circuit, age: timedelta, now: datetime) -> "CutOff | None":
        """What follows from a circuit that is so old by the store's clock; None where nothing does."""
        left = circuit.left(age)
        if left <= timedelta():
            return None
        return cls(dependency, circuit.until, circuit.reason, ends=now + left, at=now)


@dataclass(frozen=True, slots=True)
class Pause:
    """What is wanted of one function's subscription.

    Attributes:
        push: the configuration that was last taken off, or is about to be; None where none ever was.
    """

    hold: Hold | None = None
    cut_off: CutOff | None = None
    push: Push | None = None

    @property
    def is_on(self) -> bool:
        """Whether the function's messages are to wait."""
        return self.hold is not None or self.cut_off is not None

    def held(self, hold: Hold) -> "Pause":
        """With an operator's reason; one that is there already stays."""
        return self if self.hold else replace(self, hold=hold)

    def released(self) -> "Pause":
        """Without an operator's reason."""
        return replace(self, hold=None)

    def remembering(self, push: Push) -> "Pause":
        """With the push configuration that is about to be taken off."""
        return replace(self, push=push)

    def judged(self, cut_offs: Iterable[CutOff], now: datetime) -> "Pause":
        """With the machine's reason that follows from these: the one that lasts longest, if any still lasts."""
        lasting = max((each for each in cut_offs if each.ends > now), key=lambda each: each.ends, default=None)
        return self if lasting == self.cut_off else replace(self, cut_off=lasting)


@dataclass(frozen=True, slots=True)
class Rest:
    """There is nothing to do."""


@dataclass(frozen=True, slots=True)
class Remember:
    """Write ``push`` into the pause: it is about to be taken off, and nobody else would know it then."""

    push: Push


@dataclass(frozen=True, slots=True)
class Detach:
    """Take the push configuration off the subscription."""


@dataclass(frozen=True, slots=True)
class Attach:
    """Give the subscription its push configuration back."""

    push: Push


Step: TypeAlias = Rest | Remember | Detach | Attach


def next_step(pause: Pause, attached: Push | None) -> Step:
    """What brings a subscription to which ``attached`` belongs now nearer to what is wanted.

    One without a push configuration that was never paused is somebody else's doing, and stays as it is.
    """
    match pause.is_on, attached:
        case True, Push() if attached != pause.push:
            return Remember(attached)
        case True, Push():
            return Detach()
        case False, None if pause.push is not None:
            return Attach(pause.push)
        case _:
            return Rest()


def woken(dependency: str, circuit: Circuit, now: datetime) -> Outgoing:
    """The event that a circuit was opened; the same event, whoever has seen it and however often."""
    until = timestamp(circuit.until) if circuit.until else ""
    event = Event(
        id=digest(WOKEN, dependency, str(circuit.trips), until)[:32],
        type=WOKEN,
        source=f"/breakers/{dependency}",
        data=f'{{"cause": "{dependency} is cut off"}}'.encode(),
        time=now,
        version=1,
    )
    return Outgoing(WOKEN, event.data, event.attributes())
