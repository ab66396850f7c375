"""The lines that functions write, as the console and the commands read them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

from tidegate.clock import Clock, system_clock
from tidegate.errors import TidegateError
from tidegate.verdicts import Verdict

GOOGLE = "logging.googleapis.com"
DELIVERY = "delivery"
"""The ``action`` of the line that every delivery ends in."""

_LATE = timedelta(seconds=30)  # Cloud Logging may take as long to show a line, and others overtake it


class LinesUnknown(TidegateError):
    """Nobody could be asked for the lines; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes:
        id: its name among all lines of its source.
        at: when it was written.
        component: who wrote it: a function, or the local stack itself.
        text: the line as it was written; JSON where there are ``fields``.
        fields: what it says, see docs/observability.md; empty where it is no structured line.
    """

    id: str
    at: datetime
    component: str
    text: str
    fields: Mapping[str, Any]

    @property
    def is_delivery(self) -> bool:
        return self.fields.get("action") == DELIVERY

    @property
    def event_id(self) -> str:
        """The event that it is about; empty for none."""
        return str(self.fields.get("event_id", ""))

    @property
    def trace_id(self) -> str:
        """The trace that it belongs to, in 32 hex digits; empty for none."""
        return str(self.fields.get(f"{GOOGLE}/trace", "")).rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Query:
    """Which lines are wanted: those that fit all that is given.

    Attributes:
        deliveries: only the lines that deliveries end in.
        verdict: of those, only the ones that ended so.
        since: none that are older.
        limit: of what fits, the latest.
    """

    function: str = ""
    event_id: str = ""
    trace_id: str = ""
    verdict: Verdict | None = None
    deliveries: bool = False
    since: datetime | None = None
    limit: int = 100

    def fits(self, line: Line) -> bool:
        """Whether the line is among those that are wanted, but for the limit."""
        return (
            (not self.function or line.component == self.function)
            and (not self.event_id or line.event_id == self.event_id)
            and (not self.trace_id or line.trace_id == self.trace_id)
            and (not (self.deliveries or self.verdict) or line.is_delivery)
            and (not self.verdict or line.fields.get("verdict") == self.verdict)
            and (not self.since or line.at >= self.since)
        )


class Lines(Protocol):
    """Where the lines are kept.

    Attributes:
        pace_seconds: how often may be asked for what is new.
    """

    pace_seconds: float

    async def recent(self, query: Query) -> Sequence[Line]:
        """The latest lines that are wanted, the oldest of them first.

        Raises:
            LinesUnknown: nobody can tell.
        """
        ...


async def follow(
    lines: Lines,
    query: Query,
    *,
    clock: Clock = system_clock,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Line]:
    """The lines that are wanted, those that are there already and then each that comes, once.

    Of more than a thousand that come between two looks, the latest thousand.

    Raises:
        LinesUnknown: as `Lines.recent` does.
    """
    seen: dict[str, datetime] = {}
    while True:
        asked_at = clock()
        for line in await lines.recent(query):
            if line.id not in seen:
                seen[line.id] = line.at
                yield line
        since = max(asked_at - _LATE, query.since or asked_at - _LATE)
        seen = {name: at for name, at in seen.items() if at >= since}
        query = replace(query, since=since, limit=max(query.limit, 1000))
        await sleep(lines.pace_seconds)
