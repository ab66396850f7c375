"""The state machine of one delivery, without any effect: (record, event, now, outcome) → decision.

The engine does what is decided here, guards each write by the version it decided upon, and decides
anew when a write was refused. Times are compared with the worker's own clock; a wrong clock can
cause a needless takeover or wait, never a second effect, because every write is guarded.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from tidegate.jobs import Compensation, Node
from tidegate.messages import Outgoing
from tidegate.records import Failure, Fault, Record, Status
from tidegate.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Claimant:
    """What one delivery brings to the record.

    Attributes:
        owner: this delivery's random name.
        lease: how long a claim lasts.
        lifetime: how long the ledger remembers.
        attempts: the runs that the topology grants; None for no limit.
    """

    function: str
    event_id: str
    owner: str
    payload_hash: str
    redrive: int
    lease: timedelta
    lifetime: timedelta
    attempts: int | None


@dataclass(frozen=True, slots=True)
class Run:
    """Write this claim; if it stands, the handler may run."""

    claim: Record


@dataclass(frozen=True, slots=True)
class Bury:
    """Write this failed record; if it stands, its dead letter is owed."""

    failed: Record


@dataclass(frozen=True, slots=True)
class Resume:
    """The record is final: publish again what it owes and ack."""


@dataclass(frozen=True, slots=True)
class Busy:
    """Another delivery works on it under a live lease: come back later."""


@dataclass(frozen=True, slots=True)
class Clash:
    """The record belongs to another payload: this message dies, the record is not touched."""


Decision: TypeAlias = Run | Bury | Resume | Busy | Clash


@dataclass(frozen=True, slots=True)
class Returned:
    """The handler returned: this is to be committed.

    Attributes:
        outbox: the events that it emitted.
        result: JSON text of the job's result.
        nodes: the joins that count them.
        compensations: what undoes it, should its job fail.
    """

    outbox: tuple[Outgoing, ...] = ()
    result: str | None = None
    nodes: tuple[Node, ...] = ()
    compensations: tuple[Compensation, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler failed, or the event is unfit for it. ``permanent``: no later attempt can succeed.

    ``compensations`` undo what it did nevertheless, should it be given up.
    """

    failure: Failure
    permanent: bool = False
    compensations: tuple[Compensation, ...] = ()


Outcome: TypeAlias = Returned | Failed


def meet(found: Record | None, claimant: Claimant, now: datetime) -> Decision:
    """What a delivery does about the record that it finds (None: there is none)."""
    if found is None:
        return Run(_fresh(claimant, now))
    redriven = claimant.redrive > found.redrive
    if found.payload_hash != claimant.payload_hash and not redriven:
        return Clash()
    match found.status:
        case Status.DONE:
            return Resume()
        case Status.FAILED:
            return Run(_take_over(found, claimant, now)) if redriven else Resume()
        case Status.CLAIMED if found.lease_until > now:
            return Busy()
        case Status.CLAIMED | Status.RELEASED:
            if redriven or claimant.attempts is None or found.attempt < claimant.attempts:
                return Run(_take_over(found, claimant, now))
            return Bury(_buried(found, claimant))


def conclude(claim: Record, outcome: Outcome, attempts: int | None) -> Record:
    """The record that a claim turns into by its handler's outcome.

    With ``attempts`` None nothing is ever given up that is still wanted: that is the dead-letter
    function, after which there is nowhere to go.
    """
    match outcome:
        case Returned(outbox, result, _, _):
            return replace(claim, status=Status.DONE, outbox=outbox, result=result, error=None)
        case Failed(failure, permanent, _):
            spent = failure.fault.shed or (attempts is not None and (permanent or claim.attempt >= attempts))
            return replace(claim, status=Status.FAILED if spent else Status.RELEASED, error=failure)


def unstarted(claim: Record) -> Record:
    """The record that a claim turns into whose run was cut off from what it needs, or cut short: it was no attempt."""
    return replace(claim, status=Status.RELEASED, attempt=claim.attempt - 1)


def verdict_of(record: Record) -> Verdict:
    """How the delivery ends that brought the record to where it is."""
    match record.status:
        case Status.DONE:
            return Verdict.DONE
        case Status.FAILED:
            shed = record.error is not None and record.error.fault.shed
            return Verdict.SHED if shed else Verdict.DEAD
        case Status.RELEASED:
            return Verdict.RETRY
        case Status.CLAIMED:
            return Verdict.BUSY


def _fresh(claimant: Claimant, now: datetime) -> Record:
    return Record(
        function=claimant.function,
        event_id=claimant.event_id,
        status=Status.CLAIMED,
        owner=claimant.owner,
        attempt=1,
        lease_until=now + claimant.lease,
        payload_hash=claimant.payload_hash,
        expire_at=now + claimant.lifetime,
        redrive=claimant.redrive,
    )


def _take_over(found: Record, claimant: Claimant, now: datetime) -> Record:
    """A claim on what another left behind. Its steps happened, so they are kept, even by a redrive."""
    redriven = claimant.redrive > found.redrive
    return replace(
        found,
        event_id=claimant.event_id,
        status=Status.CLAIMED,
        owner=claimant.owner,
        attempt=1 if redriven else found.attempt + 1,
        lease_until=now + claimant.lease,
        payload_hash=claimant.payload_hash,
        expire_at=now + claimant.lifetime,
        redrive=max(found.redrive, claimant.redrive),
    )


def _buried(found: Record, claimant: Claimant) -> Record:
    crashed = Failure(
        Fault.CRASHED,
        f"attempt {found.attempt} of {claimant.attempts} was started and never ended: "
        "the process died, or ran past its lease",
    )
    error = found.error if found.status is Status.RELEASED and found.error else crashed
    return replace(found, event_id=claimant.event_id, status=Status.FAILED, owner=claimant.owner, error=error)
