"""Days to hand in, made of manifests from a CSV file, and rows spoilt on purpose."""

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import TypeAlias

from contracts.flights import DayReceived, ManifestReceived
from tidegate.errors import TidegateError
from tidegate_ops.demo.truth import MalformedRow

Row: TypeAlias = tuple[str, ...]
"""A row's values in the order of `COLUMNS`; a malformed one may have fewer or more."""

COLUMNS = (
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
    "carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "hour", "minute", "time_hour",
)  # fmt: skip
_PLACE = {column: index for index, column in enumerate(COLUMNS)}
_WHOLE_NUMBERS = ("year", "month", "day", "flight", "hour")
_AIRPORT = re.compile(r"[A-Z]{3}")
_MINUTES = re.compile(r"-?[0-9]+")
_MISSING = ("NA", "")
_FIRST_SPOILT_FLIGHT = 9001
"""The data set's own flight numbers end at 8500, and the application takes four digits."""


class UnreadableFlights(TidegateError):
    """A file cannot be read as a day's flights; the message says where and what to write."""


def read_flights(path: Path) -> list[Row]:
    """The rows of a CSV file that has the data set's 19 columns, in the order of `COLUMNS`.

    Raises:
        UnreadableFlights: no such file, columns missing, a row that belongs nowhere, or a flight twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            header = next(lines, [])
            if sorted(header) != sorted(COLUMNS):
                raise UnreadableFlights(_wrong_columns(path, header))
            order = [header.index(column) for column in COLUMNS]
            rows = [_ordered(path, lines.line_num, fields, order) for fields in lines if fields]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UnreadableFlights(f"{path} cannot be read: {error}") from error
    if not rows:
        raise UnreadableFlights(f"{path} has no flights: expected at least one row below the header")
    _check_unique(path, rows)
    return rows


def make_manifests(rows: Iterable[Row]) -> list[ManifestReceived]:
    """One manifest for each origin and scheduled hour, in order of time; rows keep their order."""
    groups: dict[tuple[date, int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault(_group(row), []).append(row)
    return [
        ManifestReceived(
            manifest_id=f"{origin}-{day:%Y%m%d}T{hour:02}", origin=origin, date=day, csv=_csv([COLUMNS, *group])
        )
        for (day, hour, origin), group in sorted(groups.items())
    ]


def make_days(rows: Iterable[Row]) -> list[DayReceived]:
    """Each day's manifests together, the days in order of time."""
    by_date = groupby(make_manifests(rows), key=attrgetter("date"))
    return [DayReceived(date=day, manifests=list(manifests)) for day, manifests in by_date]


def spoil(rows: Sequence[Row], count: int, rng: Random) -> tuple[list[Row], list[MalformedRow]]:
    """Add malformed rows, each in one of several ways, somewhere among the good ones.

    Returns:
        All rows, and the added ones with what their dead letters' reasons must contain.
    """
    if not 0 <= count <= 10_000 - _FIRST_SPOILT_FLIGHT:
        raise ValueError(f"count is {count}: flight numbers 9001 to 9999 mark the malformed rows, so at most 999")
    mixed, malformed = list(rows), []
    for index in range(count):
        flight = str(_FIRST_SPOILT_FLIGHT + index)
        fields, reason = _WAYS[index % len(_WAYS)](_with(rng.choice(rows), flight=flight))
        malformed.append(MalformedRow(fields, _group(fields)[0].isoformat(), flight, reason))
        mixed.insert(rng.randrange(len(mixed) + 1), fields)
    return mixed, malformed


def _bad_number(row: Row) -> tuple[Row, str]:
    return _with(row, distance="1O24"), "distance is '1O24'"


def _missing_column(row: Row) -> tuple[Row, str]:
    return row[:-1], "time_hour is missing"


def _unknown_carrier(row: Row) -> tuple[Row, str]:
    return _with(row, carrier="ZZ"), "carrier is 'ZZ'"


def _impossible_time(row: Row) -> tuple[Row, str]:
    return _with(row, dep_time="2575", dep_delay="4"), "dep_time is '2575'"


def _surplus_column(row: Row) -> tuple[Row, str]:
    return (*row, "gate B12"), "surplus is 'gate B12'"


_WAYS: Sequence[Callable[[Row], tuple[Row, str]]] = (
    _bad_number,
    _missing_column,
    _unknown_carrier,
    _impossible_time,
    _surplus_column,
)


def _with(row: Row, **values: str) -> Row:
    fields = list(row)
    for column, value in values.items():
        fields[_PLACE[column]] = value
    return tuple(fields)


def _group(row: Row) -> tuple[date, int, str]:
    year, month, day, hour = (int(row[_PLACE[column]]) for column in ("year", "month", "day", "hour"))
    return date(year, month, day), hour, row[_PLACE["origin"]]


def _ordered(path: Path, line: int, fields: list[str], order: list[int]) -> Row:
    if len(fields) != len(COLUMNS):
        raise UnreadableFlights(f"{path}, line {line} has {len(fields)} fields: expected {len(COLUMNS)}")
    row = tuple(fields[place] for place in order)
    if fault := next(_faults(row), ""):
        raise UnreadableFlights(f"{path}, line {line}: {fault}")
    return row


def _faults(row: Row) -> Iterator[str]:
    """Why a row belongs to no manifest, or has no truth to be held against."""
    value = dict(zip(COLUMNS, row, strict=True))
    for column in _WHOLE_NUMBERS:
        if not value[column].isdecimal():
            yield f"{column} is {value[column]!r}: expected a whole number"
    if not _AIRPORT.fullmatch(value["origin"]):
        yield f"origin is {value['origin']!r}: expected three capital letters"
    if value["dep_time"] not in _MISSING and not _MINUTES.fullmatch(value["dep_delay"]):
        yield f"dep_delay is {value['dep_delay']!r}: expected whole minutes, since the flight departed"
    try:
        _group(row)
    except ValueError as error:
        yield f"year, month and day are no date: {error}"


def _check_unique(path: Path, rows: Sequence[Row]) -> None:
    """A flight that is listed twice would be two events of one truth."""
    identity = ("year", "month", "day", "carrier", "flight", "origin")
    counts = Counter(tuple(row[_PLACE[column]] for column in identity) for row in rows)
    flight, count = counts.most_common(1)[0]
    if count > 1:
        raise UnreadableFlights(f"{path} lists the flight {' '.join(flight)} {count} times: expected each one once")


def _wrong_columns(path: Path, header: list[str]) -> str:
    missing = ", ".join(column for column in COLUMNS if column not in header)
    surplus = ", ".join(column for column in header if column not in COLUMNS)
    faults = [f"lacks {missing}" if missing else "", f"has unknown {surplus}" if surplus else ""]
    problem = " and ".join(filter(None, faults)) or "names a column twice"
    return f"{path}: the first line {problem}; expected the {len(COLUMNS)} columns {','.join(COLUMNS)}"


def _csv(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()
