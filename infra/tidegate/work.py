"""The work that is under way: what a log line or a span made in the middle of it belongs to."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from tidegate.ports import Ports
from tidegate.traces import TraceContext


@dataclass(slots=True)
class Work:
    """One delivery, or one request to an HTTP function.

    Attributes:
        trace: its span.
        event_id, job: empty where there is none.
        data: the event's payload, by which log lines are kept free of it.
        attempt: which run of the handler this is; 0 before it runs.
    """

    function: str
    trace: TraceContext
    event_id: str = ""
    job: str = ""
    data: bytes = b""
    attempt: int = 0


_current: ContextVar[Work | None] = ContextVar("tidegate_work", default=None)


def current() -> Work | None:
    """The work that the caller is a part of, in whatever task or worker thread; None outside of any."""
    return _current.get()


@contextmanager
def under_way(work: Work, ports: Ports) -> Iterator[None]:
    """Let all that is called inside, and the tasks and threads begun there, be part of ``work``."""
    token = _current.set(work)
    try:
        with ports.spans.inside(work.trace):
            yield
    finally:
        _current.reset(token)
