"""What is being handled, as far as the events that come of it need to know."""

from dataclasses import dataclass
from datetime import datetime

from tidegate.events import Event
from tidegate.places import Member
from tidegate.traces import TraceContext


@dataclass(frozen=True, slots=True)
class Cause:
    """What is being handled.

    Attributes:
        key: what makes two events the same work for this function.
        unit: the unit of a job that it is; None where it belongs to none.
        now: the handler's end.
        trace: the span of which the events come.
    """

    event: Event
    key: str
    unit: Member | None
    now: datetime
    trace: TraceContext
