"""Where a world's functions publish to: kept, and told to fail."""

from collections import deque
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field

from tidegate.errors import PublishFailed
from tidegate.messages import Outgoing

SENT: ContextVar[list[Outgoing] | None] = ContextVar("SENT", default=None)
"""What the delivery that is under way has published or scheduled."""


@dataclass
class RecordingPublisher:
    """Keeps what is published; fails with the errors in ``failures``, in turn, None standing for success."""

    published: list[Outgoing] = field(default_factory=list)
    failures: deque[Exception | None] = field(default_factory=deque)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        failure = self.failures.popleft() if self.failures else None
        if failure is not None:
            raise failure
        self.published.extend(messages)
        _note(messages)

    def fail(self, times: int = 1) -> None:
        """Make the next calls fail."""
        self.failures.extend([PublishFailed("the broker is away")] * times)

    def ids(self, topic: str) -> list[str]:
        """The event ids published on ``topic``, in order."""
        return [each.attributes["ce-id"] for each in self.published if each.topic == topic]


@dataclass
class RecordingTimers:
    """Keeps what is scheduled."""

    scheduled: list[Outgoing] = field(default_factory=list)

    async def schedule(self, message: Outgoing) -> None:
        self.scheduled.append(message)
        _note([message])


def _note(messages: Sequence[Outgoing]) -> None:
    sent = SENT.get()
    if sent is not None:
        sent.extend(messages)
