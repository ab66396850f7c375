"""What a handler gives back: events to emit, and the job's result."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar, get_args

from tidegate.contracts import Contract

C = TypeVar("C", bound=Contract)


@dataclass(frozen=True, slots=True)
class Emission(Generic[C]):
    """An event with more to say than its data; made by `emit`."""

    event: C
    key: str = ""
    expires_in: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The result of the job that the event belongs to; ``value`` must be JSON."""

    value: Any


def emit(event: C, *, key: str = "", expires_in: timedelta | None = None) -> Emission[C]:
    """Wrap an outgoing event that needs more than its data.

    Args:
        key: ordering key; events of one key reach an ordered function in the order they were emitted.
        expires_in: from the handler's end on; an event that is handled later than that is shed.
    """
    if expires_in is not None and expires_in <= timedelta(0):
        raise ValueError(f"expires_in is {expires_in}: it must be positive, or the event would never be handled")
    return Emission(event, key, expires_in)


def contracts_in(annotation: Any) -> Iterator[type[Contract]]:
    """The contracts that a return annotation such as ``list[A | Emission[B]]`` names.

    Raises:
        TypeError: a part of it is neither a contract nor a container of contracts.
    """
    if annotation in (None, type(None), Result, Ellipsis):
        return
    if isinstance(annotation, type) and issubclass(annotation, Contract):
        yield annotation
        return
    parts = get_args(annotation)
    if not parts:
        raise TypeError(f"{annotation!r} is not a contract, a container of contracts, Result or None")
    for part in parts:
        yield from contracts_in(part)


def flatten(returned: Any) -> Iterator[Emission[Any] | Result]:
    """What a handler returned, one by one, in order.

    Raises:
        TypeError: it returned something that cannot be emitted.
    """
    if returned is None:
        return
    if isinstance(returned, Contract):
        yield Emission(returned)
    elif isinstance(returned, Emission | Result):
        yield returned
    elif isinstance(returned, list | tuple | Iterator):
        for each in returned:
            yield from flatten(each)
    else:
        raise TypeError(
            f"a handler returned {type(returned).__name__}: return events, an iterable of events, Result(value) or None"
        )
