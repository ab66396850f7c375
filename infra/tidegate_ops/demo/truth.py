"""The truth of a demo run, computed straight from the day's CSV file.

Nothing of the application is imported here, only the standard library: a fault in the functions
must not be able to hide itself.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

COUNTERS = ("flights", "on_time", "delayed", "diverted", "cancelled", "delay_minutes")
_MISSING = ("NA", "")

_Flight: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MalformedRow:
    """A row that the application must reject.

    Attributes:
        fields: the row's values, in the columns' order, as many as it has.
        day: the day that it is handed in with, as 2013-02-08.
        flight: its flight number, which no other row of the file has.
        reason: what the dead letter's reason must contain.
    """

    fields: tuple[str, ...]
    day: str
    flight: str
    reason: str


@dataclass(frozen=True, slots=True)
class DayTruth:
    """What must have become of the job that one day was handed in as.

    Attributes:
        result: the day's sums.
        malformed: the rows that must be the job's failures.
    """

    result: Mapping[str, str | int]
    malformed: tuple[MalformedRow, ...]

    @property
    def state(self) -> str:
        """How the job must have ended."""
        return "failed" if self.malformed else "succeeded"


@dataclass(frozen=True, slots=True)
class Truth:
    """What must have happened when the day is over, or all days of the file are.

    Attributes:
        flights: how many well-formed rows there are.
        hours: airport-hour (``EWR-20130208T15``) → its date and each of `COUNTERS`.
        departures: flight id → its status; one of each well-formed row.
        cancelled: the ids of the flights whose passengers must be rebooked, once each.
        malformed: the rows that must end as dead letters of ``assess_flight``, once each.
        handled: function → how many events it must have completed.
        days: day (``2013-02-08``) → what must have become of its job.
    """

    flights: int
    hours: Mapping[str, Mapping[str, str | int]]
    departures: Mapping[str, str]
    cancelled: frozenset[str]
    malformed: tuple[MalformedRow, ...]
    handled: Mapping[str, int]
    days: Mapping[str, DayTruth]

    @classmethod
    def of(cls, path: Path, malformed: Iterable[MalformedRow] = ()) -> "Truth":
        """The truth of a file, to which these malformed rows were added before it was handed in."""
        with path.open(encoding="utf-8-sig", newline="") as file:
            flights = list(csv.DictReader(file))
        rejected = tuple(malformed)
        hours: dict[str, list[_Flight]] = {}
        days: dict[str, list[_Flight]] = {}
        for flight in flights:
            hours.setdefault(_hour(flight), []).append(flight)
            days.setdefault(_date(flight), []).append(flight)
        cancelled = frozenset(_id(flight) for flight in flights if _status(flight) == "cancelled")
        return cls(
            flights=len(flights),
            hours={hour: _sums(_date(each[0]), each) for hour, each in hours.items()},
            departures={_id(flight): _status(flight) for flight in flights},
            cancelled=cancelled,
            malformed=rejected,
            handled={
                "open_day": len(days),
                "split_manifest": len(hours),
                "assess_flight": len(flights),
                "track_hour": len(flights),
                "post_flight": len(flights),
                "rebook_passengers": len(cancelled),
                "advance_jobs": len(days),
                "close_day": len(days),
                "dead_letters": len(rejected),
            },
            days={
                day: DayTruth(_sums(day, each), tuple(row for row in rejected if row.day == day))
                for day, each in days.items()
            },
        )

    @property
    def ended(self) -> dict[str, int]:
        """Function → how many events it must have brought to an end: a rejected row has been handled too."""
        return {**self.handled, "assess_flight": self.handled["assess_flight"] + len(self.malformed)}


def _sums(date: str, flights: Iterable[_Flight]) -> dict[str, str | int]:
    """The date, and what these flights of it add up to; all of `COUNTERS`."""
    totals = Counter(dict.fromkeys(COUNTERS, 0))
    for flight in flights:
        delay = 0 if _status(flight) == "cancelled" else max(0, int(flight["dep_delay"]))
        totals.update({"flights": 1, _status(flight): 1, "delay_minutes": delay})
    return {"date": date, **totals}


def _status(flight: _Flight) -> str:
    if flight["dep_time"] in _MISSING:
        return "cancelled"
    if flight["air_time"] in _MISSING:
        return "diverted"
    return "delayed" if int(flight["dep_delay"]) >= 15 else "on_time"


def _date(flight: _Flight) -> str:
    return f"{int(flight['year']):04}-{int(flight['month']):02}-{int(flight['day']):02}"


def _day(flight: _Flight) -> str:
    return _date(flight).replace("-", "")


def _hour(flight: _Flight) -> str:
    return f"{flight['origin']}-{_day(flight)}T{int(flight['hour']):02}"


def _id(flight: _Flight) -> str:
    return f"{flight['carrier']}{flight['flight']}-{flight['origin']}-{_day(flight)}"
