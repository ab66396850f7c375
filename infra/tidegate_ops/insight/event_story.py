"""The story of an event: all deliveries of its trace, each below the one that its event comes of."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tidegate.errors import ConfigurationError
from tidegate_ops.insight.deliveries import Delivery
from tidegate_ops.insight.lines import Lines, Query

_MOST_LINES = 5_000


@dataclass(slots=True)
class Chapter:
    """One function's work on one event.

    Attributes:
        deliveries: as they ended, the first first.
        children: the work on what was emitted, in the order of time.
    """

    function: str
    event_id: str
    event_type: str
    deliveries: list[Delivery] = field(default_factory=list)
    children: list["Chapter"] = field(default_factory=list)

    @property
    def last(self) -> Delivery:
        """The delivery that ended last: how the work stands."""
        return self.deliveries[-1]

    @property
    def emitted(self) -> int:
        """How many events the function emitted."""
        return max(each.emitted for each in self.deliveries)

    @property
    def unseen(self) -> int:
        """How many of these no line is there of: they wait, nobody handles them, or their lines are left out."""
        return max(0, self.emitted - len({each.event_id for each in self.children}))


@dataclass(frozen=True, slots=True)
class Story:
    """The work of one trace.

    Attributes:
        event_id: what was asked for.
        cut: whether there are more lines than were read.
    """

    event_id: str
    trace_id: str
    roots: tuple[Chapter, ...]
    cut: bool = False

    def walk(self) -> Iterator[tuple[Chapter | None, Chapter]]:
        """(Parent, chapter), each before what came of it."""
        # No recursion: a chain of events may be longer than Python's stack is deep.
        ahead: list[tuple[Chapter | None, Chapter]] = [(None, each) for each in reversed(self.roots)]
        while ahead:
            parent, chapter = ahead.pop()
            yield parent, chapter
            ahead += [(chapter, each) for each in reversed(chapter.children)]


async def tell(lines: Lines, event_id: str, *, since: datetime | None = None) -> Story:
    """The story of the trace that the event belongs to, as far as there are lines of it.

    Raises:
        ConfigurationError: there is no line of such an event.
        LinesUnknown: nobody can tell.
    """
    of_event = await lines.recent(Query(event_id=event_id, deliveries=True, since=since, limit=1))
    if not of_event or not of_event[-1].trace_id:
        raise ConfigurationError(
            f"no delivery of event {event_id} is in the logs: look at its id, and whether it was long ago (--since); "
            "what has not been delivered yet has no line"
        )
    trace_id = of_event[-1].trace_id
    found = await lines.recent(Query(trace_id=trace_id, deliveries=True, since=since, limit=_MOST_LINES))
    deliveries = [each for each in map(Delivery.read, found) if each]
    return Story(event_id, trace_id, tuple(_grown(deliveries)), cut=len(found) == _MOST_LINES)


def _grown(deliveries: Iterable[Delivery]) -> Sequence[Chapter]:
    """The chapters that come of none that is known, with all the others below them."""
    chapters: dict[tuple[str, str], Chapter] = {}
    by_span: dict[str, Chapter] = {}
    for each in sorted(deliveries, key=lambda each: each.at):
        chapter = chapters.setdefault(
            (each.function, each.event_id), Chapter(each.function, each.event_id, each.event_type)
        )
        chapter.deliveries.append(each)
        by_span[each.span_id] = chapter
    children: dict[int, list[Chapter]] = defaultdict(list)
    roots: list[Chapter] = []
    for chapter in chapters.values():
        parent = by_span.get(chapter.deliveries[0].parent_id)
        (roots if parent is None or parent is chapter else children[id(parent)]).append(chapter)
    for chapter in chapters.values():
        chapter.children = children[id(chapter)]
    return roots
