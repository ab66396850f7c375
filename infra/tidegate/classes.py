"""The part of the topology that ranks events by importance."""

from collections.abc import Mapping
from datetime import timedelta

from pydantic import BaseModel, Field


class Classes(BaseModel, frozen=True, extra="forbid"):
    """The application's classes of events, as far as one function needs to know them.

    Attributes:
        ranked: from the most to the least important; empty where the topology has none.
        of_topics: topic → the class of its events that name none, where that is not the first.
    """

    ranked: tuple[str, ...] = ()
    of_topics: Mapping[str, str] = Field(default_factory=dict)

    def of(self, topic: str, named: str = "") -> str:
        """The class of an event that names this one; of a class that is not known any more it has its topic's."""
        if named in self.ranked:
            return named
        return self.of_topics.get(topic, self.ranked[0] if self.ranked else "")

    def inherited(self, parent: str, topic: str) -> str:
        """The class that an event names which one of class ``parent`` causes: the lower one of that and its topic's.

        Empty where its topic says it already.
        """
        own = self.of(topic)
        return parent if parent and self.ranked.index(parent) > self.ranked.index(own) else ""

    def patience(self, name: str, overload_seconds: float) -> timedelta | None:
        """How long an event of a class may have waited; the more important, the longer. None: for ever."""
        rank = self.ranked.index(name) if name else 0
        return timedelta(seconds=overload_seconds * (len(self.ranked) - rank)) if rank else None
