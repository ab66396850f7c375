"""How one delivery went: the one thing that is said about it, as a value."""

from dataclasses import dataclass
from datetime import datetime

from tidegate.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """One delivery, ended.

    Attributes:
        message_id: the broker's id of the message; a duplicate publish has another one.
        attempt: which run of the handler this was; 0 where the ledger was not reached.
        emitted: how many events were published.
        reason: why it did not end well; empty where it did.
        detail: the end of the traceback, where there is one.
        duration_seconds: from receipt to answer.
        latency_seconds: from publish to answer; None where the publish time is unknown.
        ended_at: when the answer was given.
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
    traceparent: str = ""
