"""Jobs: work accepted at the front door, followed until everything it caused has settled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from tidegate.messages import Outgoing
from tidegate.places import Member
from tidegate.records import Fault
from tidegate.versions import Version


class JobState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    COMPENSATING = "compensating"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def settled(self) -> bool:
        """Whether it is final."""
        return self not in (JobState.RUNNING, JobState.COMPENSATING)


@dataclass(frozen=True, slots=True)
class NewJob:
    """A job as it is accepted.

    Attributes:
        id: 32 hex digits.
        event: the message that starts it, place included.
        functions: who handles the event, and is waited for.
        payload_hash: SHA-256 of the event's data.
        callback_url: told when the job has settled; empty for nobody.
        principal: who submitted it; empty where nobody asks.
        expire_at: when it may be forgotten.
    """

    id: str
    event: Outgoing
    functions: tuple[str, ...]
    payload_hash: str
    accepted_at: datetime
    expire_at: datetime
    callback_url: str = ""
    principal: str = ""


@dataclass(frozen=True, slots=True)
class JobFailure:
    """A unit of work that was given up: one function's handling of one event."""

    function: str
    event_id: str
    event_type: str
    fault: Fault
    reason: str
    attempts: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it stands.

    Attributes:
        topic, event_id: the event that started it.
        functions: those of its subscribers that are waited for.
        result: JSON text of what a handler returned as `Result`; None where none did.
        failures: what was given up, at most `MAX_FAILURES` of them.
        trace: the extensions by which its event says of which request it comes, see `tidegate.traces`.
        version: to guard the next write by, opaque; None for a job that was created just now.
    """

    id: str
    topic: str
    event_id: str
    state: JobState
    accepted_at: datetime
    settled_at: datetime | None
    payload_hash: str
    functions: tuple[str, ...] = ()
    result: str | None = None
    callback_url: str = ""
    principal: str = ""
    cancel_requested_at: datetime | None = None
    failures: tuple[JobFailure, ...] = ()
    trace: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    version: object = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """The state that a job is put into, if it still is as it was read."""

    job: Job
    state: JobState


MAX_FAILURES = 100
"""How many failures are read with a job."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a job's work is known so far, and how much of that has settled; in units of work."""

    known: int
    settled: int


@dataclass(frozen=True, slots=True)
class Node:
    """A join: what is to be done once all of its units have settled.

    Attributes:
        id: the record's key, for the node of what that record emitted.
        units: how many there are; at least one.
        up: the unit that settles with it; None where none does.
        then: the message that is published when it closes; None for none.
        function, event_id: whose emissions it counts; empty for the root.
    """

    job: str
    id: str
    units: int
    up: Member | None = None
    then: Outgoing | None = None
    function: str = ""
    event_id: str = ""


ADVANCED = "job.advanced"
"""Topic and type of the event that a join owes something which only `Context.advance` may publish."""

SETTLED = "job.settled"
"""Topic and type of the event that a job has settled which somebody wanted to be told about."""


COMPENSATION = "compensation~"
"""How the id of a compensation's node begins."""


@dataclass(frozen=True, slots=True)
class Compensation:
    """What undoes a part of a job, should the job fail: an event, placed in a node of its own."""

    node: Node
    message: Outgoing
    expire_at: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """Says how a unit stands whose record is not its own alone, so that the record cannot.

    Attributes:
        counted: whether its tally counts it.
        redrive: the redrive that this was written for; an earlier delivery has no say in it any more.
        version: what it replaces; None where there is none yet.
    """

    counted: bool = False
    redrive: int = 0
    version: Version | None = None


@dataclass(frozen=True, slots=True)
class Growth:
    """What a step of a record changes in its job's tree; stands or falls with it.

    Attributes:
        key: names the concluded work among the job's; the record's key.
        settles: the unit that settles with it; None where it has children to wait for.
        failure: why the unit was given up; None where it was not.
        mark: how the unit stands from now on, where no record of its own says so.
        nodes: the joins of what the record emits.
        compensations: what is to be published, the last first, should the job fail.
        result: JSON text of the job's result.
    """

    job: str
    key: str
    expire_at: datetime
    settles: Member | None = None
    failure: JobFailure | None = None
    mark: Mark | None = None
    nodes: Sequence[Node] = ()
    compensations: Sequence[Compensation] = ()
    result: str | None = None
