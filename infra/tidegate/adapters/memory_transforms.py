"""Field transforms: changes that depend on the value that is there when the write is applied."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tidegate.adapters.memory_fields import FieldPath, copied, equal, is_nan

_INT64 = range(-(2**63), 2**63)


class Transform(Protocol):
    """Computes the new value of one field."""

    @property
    def field(self) -> FieldPath:
        """Where the value is."""
        ...

    def apply(self, present: Any, now: datetime) -> Any:
        """The new value; ``present`` is None where there is no field. ``now`` is the commit's time."""
        ...


@dataclass(frozen=True, slots=True)
class Increment:
    """Adds; whole numbers stop at the ends of 64 bits. What is no number counts as 0."""

    field: FieldPath
    amount: int | float

    def apply(self, present: Any, now: datetime) -> int | float:
        if not _is_number(present):
            return self.amount
        total: int | float = present + self.amount
        return min(max(total, _INT64.start), _INT64.stop - 1) if isinstance(total, int) else total


@dataclass(frozen=True, slots=True)
class Maximum:
    """Keeps the larger number; equal ones leave the field as it is. What is no number gives way."""

    field: FieldPath
    bound: int | float

    def apply(self, present: Any, now: datetime) -> int | float:
        return _extreme(present, self.bound, replaces=_is_number(present) and self.bound > present)


@dataclass(frozen=True, slots=True)
class Minimum:
    """Keeps the smaller number; equal ones leave the field as it is. What is no number gives way."""

    field: FieldPath
    bound: int | float

    def apply(self, present: Any, now: datetime) -> int | float:
        return _extreme(present, self.bound, replaces=_is_number(present) and self.bound < present)


@dataclass(frozen=True, slots=True)
class ArrayUnion:
    """Appends each value that is not in the list yet. What is no list counts as an empty one."""

    field: FieldPath
    values: tuple[Any, ...]

    def apply(self, present: Any, now: datetime) -> list[Any]:
        union = copied(present) if isinstance(present, list) else []
        for value in self.values:
            if not any(equal(value, each) for each in union):
                union.append(copied(value))
        return list(union)


@dataclass(frozen=True, slots=True)
class ArrayRemove:
    """Removes every occurrence of each value. What is no list becomes an empty one."""

    field: FieldPath
    values: tuple[Any, ...]

    def apply(self, present: Any, now: datetime) -> list[Any]:
        if not isinstance(present, list):
            return []
        return [copied(each) for each in present if not any(equal(each, value) for value in self.values)]


@dataclass(frozen=True, slots=True)
class ServerTimestamp:
    """The commit's time, to the millisecond as Firestore gives it."""

    field: FieldPath

    def apply(self, present: Any, now: datetime) -> datetime:
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _extreme(present: Any, bound: int | float, *, replaces: bool) -> int | float:
    """``present``, unless ``bound`` replaces it; NaN, on either side, wins."""
    if not _is_number(present) or is_nan(bound) or replaces:
        return bound
    kept: int | float = present
    return kept
