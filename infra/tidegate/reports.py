"""How one delivery went: the one thing that is said about it, as a value."""

from dataclasses import dataclass, field
from datetime import datetime

from tidegate.traces import TraceContext
from tidegate.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """One delivery, ended.

    Attributes:
        message_id: the broker's id of the message; a duplicate publish has another one.
        attempt: which run of the handler this was; 0 where the ledger was not reached.
        emitted: how many events were published.
        trace: the delivery's span.
        fault: what kind of failure it was, see `records.Fault`; empty where there was none, or none of the event's.
        reason: why it did not end well; empty where it did.
        detail: the end of the traceback, where there is one.
        duration_seconds: from receipt to answer.
        latency_seconds: from publish to answer; None where the publish time is unknown.
        ended_at: when the answer was given.
        job: the job that waits for the event; empty where none does.
        topic, subscription: where the message came from; the latter empty where it does not say.
        data: the payload itself, by which what is said of the delivery is kept free of it.
        links: spans that the event follows besides the one that it comes of.
    """

    function: str
    verdict: Verdict
    event_id: str
    event_type: str
    message_id: str
    attempt: int
    emitted: int
    reason: str
    detail: str
    duration_seconds: float
    latency_seconds: float | None
    ended_at: datetime
    trace: TraceContext
    fault: str = ""
    job: str = ""
    topic: str = ""
    subscription: str = ""
    data: bytes = field(default=b"", repr=False)
    links: tuple[TraceContext, ...] = ()

    @property
    def body_bytes(self) -> int:
        """How large the payload is."""
        return len(self.data)
