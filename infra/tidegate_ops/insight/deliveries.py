"""A delivery as its line tells it."""

from dataclasses import dataclass
from datetime import datetime

from tidegate.verdicts import Verdict
from tidegate_ops.insight.lines import GOOGLE, Line


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery that ended; docs/observability.md says what the fields mean.

    Attributes:
        parent_id: the span that the event comes of; empty where nobody knows.
        latency_ms: None where nobody knows.
    """

    at: datetime
    function: str
    verdict: Verdict
    event_id: str
    event_type: str
    message_id: str
    attempt: int
    emitted: int
    duration_ms: float
    latency_ms: float | None
    weight: float
    trace_id: str
    span_id: str
    parent_id: str
    job: str
    fault: str
    reason: str
    stack_trace: str

    @classmethod
    def read(cls, line: Line) -> "Delivery | None":
        """The delivery that a line tells of; None for any other line, also one that only looks like it."""
        if not line.is_delivery:
            return None
        fields = line.fields
        try:
            return cls(
                at=line.at,
                function=str(fields["function"]),
                verdict=Verdict(fields["verdict"]),
                event_id=line.event_id,
                event_type=str(fields["event_type"]),
                message_id=str(fields["message_id"]),
                attempt=int(fields["attempt"]),
                emitted=int(fields["emitted"]),
                duration_ms=float(fields["duration_ms"]),
                latency_ms=float(fields["latency_ms"]) if "latency_ms" in fields else None,
                weight=float(fields["weight"]),
                trace_id=line.trace_id,
                span_id=str(fields.get(f"{GOOGLE}/spanId", "")),
                parent_id=str(fields.get("parent_span", "")),
                job=str(fields.get("job", "")),
                fault=str(fields.get("fault", "")),
                reason=str(fields.get("reason", "")),
                stack_trace=str(fields.get("stack_trace", "")),
            )
        except (KeyError, TypeError, ValueError):
            return None  # a handler may print what it likes
