"""What is being handled, as far as the events that come of it need to know."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from types import MappingProxyType

from tidegate.events import Event
from tidegate.places import Member
from tidegate.traces import TraceContext


@dataclass(frozen=True)  # no slots: it keeps what it has worked out once
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

    @cached_property
    def extensions(self) -> Mapping[str, str]:
        """The CloudEvents extensions that tell of it, the same for every event that comes of it."""
        first = self.event.extensions.get("correlationid", self.event.id)
        return MappingProxyType({"causationid": self.event.id, "correlationid": first, **self.trace.extensions()})
