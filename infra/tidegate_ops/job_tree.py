"""A job as a tree: each unit of work that it caused, and what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tidegate.jobs import Job, JobFailure
from tidegate.messages import Outgoing
from tidegate.places import Place
from tidegate.records import Fault, Record, Status, idempotency_key, record_key
from tidegate.topology import Topology


class State(StrEnum):
    """What became of a unit of work, from what needs no attention to what needs it most.

    ``superseded``: left out, since a later event of its key does the work. ``cancelled``: left out, since its job
    was cancelled. ``unknown``: nothing that is left tells.
    ``undelivered``: its event is out, and its function has not begun. ``waiting``: for its next attempt, its
    time, or for what comes first.
    """

    DONE = "done"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    UNDELIVERED = "undelivered"
    WAITING = "waiting"
    RUNNING = "running"
    FAILED = "failed"


_LEFT_OUT = {Fault.SUPERSEDED: State.SUPERSEDED, Fault.CANCELLED: State.CANCELLED}


class Relation(StrEnum):
    """How an event came about: by submission, from a handler, after a gathering, to undo; or nobody knows."""

    SUBMITTED = "submitted"
    EMITTED = "emitted"
    THEN = "then"
    COMPENSATION = "compensation"
    UNPLACED = "unplaced"


@dataclass(frozen=True, slots=True)
class Unit:
    """One function's work on one event.

    Attributes:
        keys: the idempotency keys under which its record may be kept; none where they cannot be known.
        node: where it counts.
        due: when its event is published, if that is later than its emission.
        held: whether something else has to settle before its event is published.
    """

    function: str
    event_id: str
    event_type: str
    relation: Relation
    keys: tuple[str, ...] = ()
    node: str = ""
    due: datetime | None = None
    held: bool = False

    @property
    def id(self) -> str:
        """Its name among the job's units."""
        return record_key(self.function, self.event_id)


@dataclass(frozen=True, slots=True)
class Handling:
    """How far a function has come with a unit.

    Attributes:
        fault, reason: of the last failure, also where another attempt is to follow.
        attempts: how often the handler has been started; 0 where another event was the same work.
        same_as: the event whose handling was this one's, too; empty for its own.
    """

    state: State
    fault: Fault | None = None
    reason: str = ""
    attempts: int = 0
    same_as: str = ""


@dataclass(slots=True)
class Branch:
    """A unit and what came of it."""

    unit: Unit
    handling: Handling = Handling(State.UNKNOWN)
    children: list["Branch"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class JobTree:
    """A job with the work that was read.

    Attributes:
        roots: the units of the first event, then of compensations, then what was given up and stands in no branch.
        cut: whether there is more than was to be read.
    """

    job: Job
    roots: tuple[Branch, ...]
    cut: bool = False

    def walk(self) -> Iterator[tuple[Branch | None, Branch]]:
        """(Parent, branch), each before what came of it."""
        # No recursion: a chain of events may be longer than Python's stack is deep.
        ahead: list[tuple[Branch | None, Branch]] = [(None, each) for each in reversed(self.roots)]
        while ahead:
            parent, branch = ahead.pop()
            yield parent, branch
            ahead += [(branch, each) for each in reversed(branch.children)]


def units_of(message: Outgoing, relation: Relation, topology: Topology, *, held: bool = False) -> list[Unit]:
    """The units that a message is in its job; none where nobody waits for it."""
    place = Place.read(message.attributes)
    if place is None:
        return []
    event_id = message.attributes["ce-id"]
    return [
        Unit(
            function=function,
            event_id=event_id,
            event_type=message.attributes["ce-type"],
            relation=relation,
            keys=_keys(topology, function, event_id, message.data),
            node=place.node,
            due=message.due,
            held=held,
        )
        for function in place.functions
    ]


def unplaced(failure: JobFailure) -> Branch:
    """What was given up, and came of nobody knows what."""
    unit = Unit(failure.function, failure.event_id, failure.event_type, Relation.UNPLACED)
    return Branch(unit, _given_up(failure))


def has_own_key(topology: Topology, function: str) -> bool:
    """Whether the function keeps its records under something else than the event's id."""
    known = topology.functions.get(function)
    return known is not None and known.idempotency != "event.id"


def handling_of(unit: Unit, records: Sequence[Record], failure: JobFailure | None, now: datetime) -> Handling:
    """How far the function has come, by the records found under the unit's keys and by what the job was told."""
    own = [each for each in records if each.event_id == unit.event_id]
    # What was given up stays so for its job, also where a redrive after the job's end got it done.
    if failure is not None and not any(each.status in (Status.CLAIMED, Status.RELEASED) for each in own):
        return _given_up(failure)
    if not records:
        if not unit.keys:
            return Handling(State.UNKNOWN)
        waits = unit.held or (unit.due is not None and unit.due > now)
        return Handling(State.WAITING if waits else State.UNDELIVERED)
    record = [*own, *records][0]
    return Handling(
        _state(record, now),
        record.error.fault if record.error else None,
        record.error.reason if record.error else "",
        record.attempt if own else 0,
        "" if own else record.event_id,
    )


def _keys(topology: Topology, function: str, event_id: str, data: bytes) -> tuple[str, ...]:
    if not has_own_key(topology, function):
        return (event_id,)
    try:
        own = idempotency_key(topology.functions[function].idempotency, event_id, data)
    except (KeyError, ValueError, RecursionError):
        return (event_id,)
    return own, event_id  # what does not fit the contract is known by its event alone


def _state(record: Record, now: datetime) -> State:
    match record.status:
        case Status.DONE:
            return State.DONE
        case Status.FAILED:
            return _LEFT_OUT.get(record.error.fault, State.FAILED) if record.error else State.FAILED
        case Status.CLAIMED if record.lease_until > now:
            return State.RUNNING
        case Status.CLAIMED | Status.RELEASED:
            return State.WAITING


def _given_up(failure: JobFailure) -> Handling:
    return Handling(_LEFT_OUT.get(failure.fault, State.FAILED), failure.fault, failure.reason, failure.attempts)
