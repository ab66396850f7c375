"""What a record's conclusion means for its job, without any effect."""

from datetime import datetime

from tidegate.decisions import Outcome, Returned
from tidegate.deliveries import Delivery
from tidegate.jobs import Growth, JobFailure
from tidegate.places import Place
from tidegate.records import Failure, Record, Status, record_key


def settles(record: Record) -> bool:
    """Whether the record's unit settles with the record itself, rather than with what it emitted."""
    if record.status is Status.DONE:
        return not any(Place.read(each.attributes) for each in record.outbox)
    return record.status is Status.FAILED


def growth_of(delivery: Delivery, record: Record, outcome: Outcome | None, now: datetime) -> Growth | None:
    """What the record's conclusion changes in its job; None where it changes nothing."""
    if record.status not in (Status.DONE, Status.FAILED):
        return None
    returned = outcome if isinstance(outcome, Returned) and record.status is Status.DONE else Returned()
    if delivery.awaited is None:
        # Without a job a gathering is its own.
        if not returned.nodes:
            return None
        return Growth(returned.nodes[0].job, unit_name(delivery, record), record.expire_at, nodes=returned.nodes)
    return Growth(
        delivery.awaited.job,
        unit_name(delivery, record),
        record.expire_at,
        settles=delivery.awaited if settles(record) else None,
        failure=failure_of(delivery, record, record.error, now),
        nodes=returned.nodes,
        compensations=outcome.compensations if outcome and delivery.job else (),
        result=returned.result if delivery.job else None,
    )


def failure_of(delivery: Delivery, record: Record, error: Failure | None, now: datetime) -> JobFailure | None:
    """What the job is told of ``error``; None where there is none, or none that concerns it."""
    if error is None or not error.fault.fails_job:
        return None
    return JobFailure(
        function=record.function,
        event_id=delivery.event_id,
        event_type=delivery.event_type,
        fault=error.fault,
        reason=error.reason,
        attempts=record.attempt,
        at=now,
    )


def unit_name(delivery: Delivery, record: Record) -> str:
    """Names the unit among those of its job."""
    return record_key(record.function, delivery.event_id)
