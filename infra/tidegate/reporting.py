"""From a delivery that has ended to the report on it."""

from dataclasses import dataclass
from datetime import datetime

from tidegate.deliveries import Delivery
from tidegate.function_config import FunctionConfig
from tidegate.records import Failure, Fault, Record
from tidegate.reports import Report
from tidegate.traces import links_in
from tidegate.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Ending:
    """How and when a delivery ended.

    Attributes:
        trouble: why, where that is no fault of the event's; empty where it is, and where all is well.
        detail: the traceback to the trouble, where there is one.
        seconds: from receipt to answer.
    """

    verdict: Verdict
    trouble: str
    detail: str
    seconds: float
    at: datetime


def report_of(delivery: Delivery, record: Record | None, ending: Ending, config: FunctionConfig) -> Report:
    """The report on a delivery; ``record`` is the one that it met, as it was seen last."""
    verdict = ending.verdict
    foreign = record is not None and record.payload_hash != delivery.payload_hash
    if foreign:
        record = None  # what it says is about another message
    error = record.error if record is not None and verdict in (Verdict.RETRY, Verdict.DEAD, Verdict.SHED) else None
    if foreign and verdict is Verdict.DEAD:
        error = conflict_of(delivery)
    assert delivery.trace is not None
    published = delivery.message.publish_time
    return Report(
        function=config.function,
        verdict=verdict,
        event_id=delivery.event_id,
        event_type=delivery.event_type,
        message_id=delivery.message.id,
        attempt=record.attempt if record else 0,
        emitted=len(record.outbox) if record and verdict is Verdict.DONE else 0,
        reason=ending.trouble or (error.reason if error else ""),
        detail=ending.detail or (error.detail if error else ""),
        duration_seconds=ending.seconds,
        latency_seconds=(ending.at - published).total_seconds() if published else None,
        ended_at=ending.at,
        trace=delivery.trace,
        fault=str(error.fault) if error and not ending.trouble else "",
        job=delivery.job,
        topic=config.topic,
        subscription=delivery.message.subscription,
        data=delivery.message.data,
        links=links_in(delivery.message.attributes),
    )


def conflict_of(delivery: Delivery) -> Failure:
    """Why a message dies that has met the record of another payload."""
    if delivery.unfit is not None:
        return delivery.unfit.failure
    reason = f"key reused with another payload: {delivery.event_id!r} was first seen with other data"
    return Failure(Fault.CONFLICT, reason)
