"""A job as a tree: each unit of work that it caused, and what became of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
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
        since: when its event was emitted, or is due if that is later; None where nobody knows.
        follows: the gathering whose end publishes its event; empty for none.
        held: whether something else has to settle before its event is published.
    """

    function: str
    event_id: str
    event_type: str
    relation: Relation
    keys: tuple[str, ...] = ()
    node: str = ""
    since: datetime | None = None
    follows: str = ""
    held: bool = False

    @property
    def id(self) -> str:
        """Its name among the job's units."""
        return record_key(self.function, self.event_id)


@dataclass(frozen=True, slots=True)
class FiledRecord:
    """A record of the ledger; ``written_at`` is when it became what it is."""

    record: Record
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Handling:
    """How far a function has come with a unit.

    Attributes:
        fault, reason: of the last failure, also where another attempt is to follow.
        attempts: how often the handler has been started; 0 where another event was the same work.
        same_as: the event whose handling was this one's, too; empty for its own.
        ended_at: when it was done or given up; None where it was not, or nobody knows.
    """

    state: State
    fault: Fault | None = None
    reason: str = ""
    attempts: int = 0
    same_as: str = ""
    ended_at: datetime | None = None


@dataclass(slots=True)
class Branch:
    """A unit and what came of it.

    Attributes:
        unread: how many units it caused directly that were not to be read.
    """

    unit: Unit
    handling: Handling = Handling(State.UNKNOWN)
    children: list["Branch"] = field(default_factory=list)
    unread: int = 0

    @property
    def seconds(self) -> float | None:
        """From the event's emission to the end; None where it has not come to that, or nobody knows."""
        if self.unit.since is None or self.handling.ended_at is None:
            return None
        # Two clocks: the emitter's and Firestore's.
        return max(0.0, (self.handling.ended_at - self.unit.since).total_seconds())


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


def units_of(
    message: Outgoing, relation: Relation, topology: Topology, *, follows: str = "", held: bool = False
) -> list[Unit]:
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
            since=message.due or datetime.fromisoformat(message.attributes["ce-time"]),
            follows=follows,
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


def handling_of(unit: Unit, records: Sequence[FiledRecord], failure: JobFailure | None, now: datetime) -> Handling:
    """How far the function has come, by the records found under the unit's keys and by what the job was told."""
    own = [each for each in records if each.record.event_id == unit.event_id]
    # What was given up stays so for its job, also where a redrive after the job's end got it done.
    if failure is not None and not any(each.record.status in _OPEN for each in own):
        return _given_up(failure)
    if not records:
        if not unit.keys:
            return Handling(State.UNKNOWN)
        waits = unit.held or (unit.since is not None and unit.since > now)
        return Handling(State.WAITING if waits else State.UNDELIVERED)
    filed = [*own, *records][0]
    record = filed.record
    return Handling(
        _state(record, now),
        record.error.fault if record.error else None,
        record.error.reason if record.error else "",
        record.attempt if own else 0,
        "" if own else record.event_id,
        None if record.status in _OPEN else filed.written_at,
    )


def time_followers(tree: JobTree) -> None:
    """Count the time of what follows a gathering from when the last of its members had settled."""
    settled: dict[int, datetime | None] = {}
    for _, branch in reversed(list(tree.walk())):
        ends = [branch.handling.ended_at, *(settled[id(each)] for each in branch.children)]
        settled[id(branch)] = None if branch.unread else _latest(ends)
        members = defaultdict[str, list[datetime | None]](list)
        for child in branch.children:
            members[child.unit.node].append(settled[id(child)])
        for child in branch.children:
            if child.unit.follows:
                ends = [child.unit.since, *members[child.unit.follows]]
                child.unit = replace(child.unit, since=None if branch.unread else _latest(ends))


_OPEN = (Status.CLAIMED, Status.RELEASED)


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    """The last of the moments; None where one is not known."""
    found = list(moments)
    known = [each for each in found if each is not None]
    return max(known) if known and len(known) == len(found) else None


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
    state = _LEFT_OUT.get(failure.fault, State.FAILED)
    return Handling(state, failure.fault, failure.reason, failure.attempts, ended_at=failure.at)
