"""In place of sources that are not there."""

from collections.abc import Sequence
from typing import NoReturn

from tidegate_ops.insight.lines import Line, LinesUnknown, Query
from tidegate_ops.insight.traffic import TrafficUnknown


class UntoldLines:
    """Implements `Lines`: says why there are none."""

    pace_seconds = 1.0

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def recent(self, query: Query) -> Sequence[Line]:
        raise LinesUnknown(self._reason)


class UntoldTraffic:
    """Implements `TrafficSource`: says why it is not known."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def look(self) -> NoReturn:
        raise TrafficUnknown(self._reason)
