"""What a handler gives back: events to emit, and the job's result."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar, get_args, get_origin

from tidegate.contracts import Contract
from tidegate.timers import MAX_DELAY

C = TypeVar("C", bound=Contract)
T = TypeVar("T", bound=Contract)


@dataclass(frozen=True, slots=True)
class Emission(Generic[C]):
    """An event with more to say than its data; made by `emit`."""

    event: C
    key: str = ""
    expires_in: timedelta | None = None
    delay: timedelta | None = None
    at: datetime | None = None

    def due(self, now: datetime) -> datetime | None:
        """When it is to be published; None for at once."""
        moment = now + self.delay if self.delay else self.at
        return moment if moment and moment > now else None


@dataclass(frozen=True, slots=True)
class Gather(Generic[C, T]):
    """Events, and one that follows when everything they caused has settled; made by `gather`."""

    events: tuple[Emission[C], ...]
    then: Emission[T]


@dataclass(frozen=True, slots=True)
class Result:
    """The result of the job that the event belongs to; ``value`` must be JSON."""

    value: Any


Given = Emission[Any] | Gather[Any, Any] | Result
"""One thing that a handler gave back."""


def emit(
    event: C,
    *,
    key: str = "",
    expires_in: timedelta | None = None,
    delay: timedelta | None = None,
    at: datetime | None = None,
) -> Emission[C]:
    """Wrap an outgoing event that needs more than its data.

    Args:
        key: ordering key; events of one key reach an ordered function in the order they were emitted.
        expires_in: from the handler's end on; an event that is handled later than that is shed.
        delay: how long after the handler's end it is published; up to `MAX_DELAY`.
        at: when it is published (aware); at once where that is past.

    Raises:
        ValueError: a duration is not positive or too long, ``at`` has no time zone or stands beside ``delay``.
    """
    if expires_in is not None and expires_in <= timedelta(0):
        raise ValueError(f"expires_in is {expires_in}: it must be positive, or the event would never be handled")
    if delay is not None and at is not None:
        raise ValueError("an event has a delay or a time, not both: leave out delay or at")
    if delay is not None and not timedelta(0) < delay <= MAX_DELAY:
        raise ValueError(f"delay is {delay}: it must be positive and at most {MAX_DELAY}")
    if at is not None and at.tzinfo is None:
        raise ValueError(f"at is {at.isoformat()}, without a time zone: make it aware, in UTC")
    return Emission(event, key, expires_in, delay, at.astimezone(UTC) if at else None)


def gather(events: Iterable[C | Emission[C]], *, then: T | Emission[T]) -> Gather[C, T]:
    """Emit ``events``, and ``then`` once everything they caused has settled, be it done or given up.

    Whatever fails among them is a dead letter of its own, and the failure of the job if there is one;
    ``then`` is published all the same.
    """
    return Gather(tuple(map(_emission, events)), _emission(then))


def contracts_in(annotation: Any) -> Iterator[type[Contract]]:
    """The contracts that a return annotation such as ``list[A | Emission[B]]`` names.

    Raises:
        TypeError: a part of it is neither a contract nor a container of contracts.
    """
    if annotation in (None, type(None), Result, Ellipsis):
        return
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, Contract):
        yield annotation
        return
    parts = get_args(annotation)
    if not parts:
        raise TypeError(f"{annotation!r} is not a contract, a container of contracts, Result or None")
    for part in parts:
        yield from contracts_in(part)


def flatten(returned: Any) -> Iterator[Given]:
    """What a handler returned, one by one, in order.

    Raises:
        TypeError: it returned something that cannot be emitted.
    """
    if returned is None:
        return
    if isinstance(returned, Contract):
        yield Emission(returned)
    elif isinstance(returned, Emission | Gather | Result):
        yield returned
    elif isinstance(returned, list | tuple | Iterator):
        for each in returned:
            yield from flatten(each)
    else:
        raise TypeError(
            f"a handler returned {type(returned).__name__}: return events, an iterable of events, gather(…), "
            "Result(value) or None"
        )


def _emission(event: C | Emission[C]) -> Emission[C]:
    if isinstance(event, Emission):
        return event
    if isinstance(event, Contract):
        return Emission(event)
    raise TypeError(f"gather was given a {type(event).__name__}: give it events")
