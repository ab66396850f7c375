"""When a dependency is cut off: the state machine of its breaker, without any effect.

    closed ──failures in a row──▶ open ──its cool-down ends──▶ half-open ──a probe is answered──▶ closed
                                    ▲                              │
                                    └──── a probe fails: twice as long

What is shared (`Circuit`) changes when it opens and when it closes, and never else: half-open is an
open circuit whose cool-down is over. Everything else is one instance's own (`State`).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tidegate.dependency_limits import Breaker
from tidegate.signs import Sign

_MOST_DOUBLINGS = 32


class Phase(StrEnum):
    """Where a breaker stands."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Circuit:
    """What all instances know of a dependency.

    Attributes:
        trips: how often it was opened without having been closed in between; 0 while it is closed.
        cool_down_seconds: how long it is cut off, from when it was opened.
        until: when that ends, by the clock of whoever opened it. It tells people and tells openings apart;
            decisions are made by `State.until`.
        reason: why it was opened.
    """

    trips: int = 0
    cool_down_seconds: float = 0.0
    until: datetime | None = None
    reason: str = ""

    @property
    def is_open(self) -> bool:
        return self.trips > 0

    def left(self, age: timedelta) -> timedelta:
        """How much of the cool-down is left when it was opened so long ago; nothing or less once it is over.

        Ends are reckoned from ages, so that nobody's clock is compared with another's.
        """
        return timedelta(seconds=self.cool_down_seconds) - max(age, timedelta())


@dataclass(frozen=True, slots=True)
class State:
    """A breaker as one instance knows it.

    Attributes:
        until: when the cool-down ends by this instance's clock; None while the circuit is closed.
        failures: when the last uses failed that no answered one has followed, none older than the window.
        probes: uses under way that find out whether it works again.
    """

    circuit: Circuit = Circuit()
    until: datetime | None = None
    failures: tuple[datetime, ...] = ()
    probes: int = 0

    def phase(self, now: datetime) -> Phase:
        """Where it stands at ``now``."""
        if self.until is None:
            return Phase.CLOSED
        return Phase.OPEN if now < self.until else Phase.HALF_OPEN


@dataclass(frozen=True, slots=True)
class Admission:
    """Leave to use the dependency once.

    Attributes:
        circuit: as it was then; what happens to the use says nothing about a later one.
    """

    circuit: Circuit


def learn(state: State, circuit: Circuit, age: timedelta, now: datetime) -> State:
    """What an instance knows after it was told of ``circuit``, which is so old by the teller's own clock."""
    if circuit == state.circuit:
        return state
    if not circuit.is_open:
        return State(circuit)
    return State(circuit, until=now + circuit.left(age))


def is_admissible(state: State, limits: Breaker, now: datetime) -> bool:
    """Whether a use may begin."""
    match state.phase(now):
        case Phase.CLOSED:
            return True
        case Phase.OPEN:
            return False
        case Phase.HALF_OPEN:
            return state.probes < limits.probes


def admit(state: State) -> tuple[State, Admission]:
    """Begin a use that is admissible; while the circuit is open it is a probe."""
    begun = replace(state, probes=state.probes + 1) if state.circuit.is_open else state
    return begun, Admission(state.circuit)


def conclude(
    state: State, admission: Admission, sign: Sign, limits: Breaker, now: datetime, *, detail: str = ""
) -> State:
    """What an instance knows after a use has ended.

    Args:
        detail: what a failure was, in a few words.
    """
    if admission.circuit != state.circuit:
        return state  # it was opened or closed meanwhile, on newer evidence
    match sign:
        case Sign.FAILED if state.circuit.is_open:
            return _opened(state, limits, now, f"a probe failed with {detail}")
        case Sign.FAILED:
            recent = now - timedelta(seconds=limits.window_seconds)
            failures = (*(each for each in state.failures if each > recent), now)
            if len(failures) < limits.failures:
                return replace(state, failures=failures)
            return _opened(state, limits, now, f"{len(failures)} uses in a row failed, the last with {detail}")
        case Sign.ANSWERED:
            return State()
        case Sign.UNCLEAR:
            return replace(state, probes=state.probes - 1) if state.circuit.is_open else state


def _opened(state: State, limits: Breaker, now: datetime, reason: str) -> State:
    trips = state.circuit.trips + 1
    doubled = limits.cool_down_seconds * 2 ** min(trips - 1, _MOST_DOUBLINGS)
    seconds = min(doubled, limits.longest_cool_down_seconds)
    until = now + timedelta(seconds=seconds)
    return State(Circuit(trips, seconds, until, reason), until=until)
