"""The truth of a demo run, computed straight from the day's CSV file.

Nothing of the application is imported here, only the standard library: a fault in the functions
must not be able to hide itself.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

COUNTERS = ("flights", "on_time", "delayed", "diverted", "cancelled", "delay_minutes")
_MISSING = ("NA", "")


@dataclass(frozen=True, slots=True)
class MalformedRow:
    """A row that the application must reject.

    Attributes:
        fields: the row's values, in the columns' order, as many as it has.
        flight: its flight number, which no other row of the day has.
        reason: what the dead letter's reason must contain.
    """

    fields: tuple[str, ...]
    flight: str
    reason: str


@dataclass(frozen=True, slots=True)
class Truth:
    """What must have happened when the day is over.

    Attributes:
        flights: how many well-formed rows there are.
        counters: airport-hour (``EWR-20130208T15``) → each of `COUNTERS`.
        cancelled: the ids of the flights whose passengers must be rebooked, once each.
        malformed: the rows that must end as dead letters of ``assess_flight``, once each.
        handled: function → how many events it must have completed.
    """

    flights: int
    counters: Mapping[str, Mapping[str, int]]
    cancelled: frozenset[str]
    malformed: tuple[MalformedRow, ...]
    handled: Mapping[str, int]

    @classmethod
    def of(cls, path: Path, malformed: Iterable[MalformedRow] = ()) -> "Truth":
        """The truth of a day's file, to which these malformed rows were added before it was published."""
        with path.open(encoding="utf-8-sig", newline="") as file:
            flights = list(csv.DictReader(file))
        rejected = tuple(malformed)
        counters: dict[str, Counter[str]] = {}
        for flight in flights:
            counters.setdefault(_hour(flight), Counter(dict.fromkeys(COUNTERS, 0))).update(_counts(flight))
        cancelled = frozenset(_id(flight) for flight in flights if flight["dep_time"] in _MISSING)
        return cls(
            flights=len(flights),
            counters={hour: dict(counts) for hour, counts in counters.items()},
            cancelled=cancelled,
            malformed=rejected,
            handled={
                "split_manifest": len(counters),
                "assess_flight": len(flights),
                "track_hour": len(flights),
                "rebook_passengers": len(cancelled),
                "dead_letters": len(rejected),
            },
        )


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A dead letter as it was found: who gave up, why, and the reported row (empty if it held none)."""

    function: str
    reason: str
    record: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Observed:
    """What the run left behind.

    Attributes:
        counters: document id → fields of the collection ``airport_hours``.
        rebookings: flight id → how many bookings the partner's own log has for it.
        filed: flight id → whether the reference that the application keeps is one of those bookings'.
        dead_letters: every dead letter.
        handled: function → how many ledger records say ``done``.
    """

    counters: Mapping[str, Mapping[str, int]]
    rebookings: Mapping[str, int]
    filed: Mapping[str, bool]
    dead_letters: tuple[RejectedRow, ...]
    handled: Mapping[str, int]


def check(truth: Truth, observed: Observed) -> dict[str, list[str]]:
    """What was checked, and every difference in a line of its own."""
    return {
        "airport-hour counters": list(_counter_differences(truth.counters, observed.counters)),
        "bookings at the partner": list(_booking_differences(truth.cancelled, observed.rebookings)),
        "rebookings on file": list(_filing_differences(truth.cancelled, observed.filed)),
        "dead letters": list(_dead_letter_differences(truth.malformed, observed.dead_letters)),
        "events handled": list(_handled_differences(truth.handled, observed.handled)),
    }


def compare(truth: Truth, observed: Observed) -> list[str]:
    """The differences of every check; an empty list says that the run was exact."""
    return [line for differences in check(truth, observed).values() for line in differences]


def _counter_differences(
    expected: Mapping[str, Mapping[str, int]], found: Mapping[str, Mapping[str, int]]
) -> Iterator[str]:
    for hour in sorted(expected.keys() | found.keys()):
        if hour not in found:
            yield f"airport_hours/{hour}: missing"
        elif hour not in expected:
            yield f"airport_hours/{hour}: no flight was scheduled then"
        else:
            for name in sorted(expected[hour].keys() | found[hour].keys()):
                want, have = expected[hour].get(name), found[hour].get(name)
                if want != have:
                    yield f"airport_hours/{hour}: {name} is {have}, expected {want}"


def _booking_differences(cancelled: frozenset[str], found: Mapping[str, int]) -> Iterator[str]:
    for flight in sorted(cancelled | found.keys()):
        want, have = int(flight in cancelled), found.get(flight, 0)
        if want != have:
            yield f"rebooking of {flight}: booked {have} times, expected {want}"


def _filing_differences(cancelled: frozenset[str], filed: Mapping[str, bool]) -> Iterator[str]:
    for flight in sorted(cancelled | filed.keys()):
        if flight not in filed:
            yield f"rebookings/{flight}: missing"
        elif flight not in cancelled:
            yield f"rebookings/{flight}: the flight was not cancelled"
        elif not filed[flight]:
            yield f"rebookings/{flight}: the partner knows no booking of this reference"


def _dead_letter_differences(malformed: tuple[MalformedRow, ...], found: tuple[RejectedRow, ...]) -> Iterator[str]:
    by_flight: dict[str, list[RejectedRow]] = {}
    for letter in found:
        by_flight.setdefault(letter.record.get("flight", ""), []).append(letter)
    for row in malformed:
        letters = by_flight.pop(row.flight, [])
        if len(letters) != 1:
            yield f"malformed flight {row.flight}: {len(letters)} dead letters, expected 1"
        for letter in letters:
            if letter.function != "assess_flight" or row.reason not in letter.reason:
                yield (
                    f"malformed flight {row.flight}: {letter.function} says {letter.reason!r}, "
                    f"expected assess_flight to say {row.reason!r}"
                )
    for flight, letters in by_flight.items():
        for letter in letters:
            subject = f" of flight {flight}" if flight else ""
            yield f"dead letter{subject}: unexpected; {letter.function} says {letter.reason!r}"


def _handled_differences(expected: Mapping[str, int], found: Mapping[str, int]) -> Iterator[str]:
    for function in sorted(expected.keys() | found.keys()):
        want, have = expected.get(function, 0), found.get(function, 0)
        if want != have:
            yield f"{function}: handled {have} events, expected {want}"


def _counts(flight: Mapping[str, str]) -> dict[str, int]:
    """What one flight adds to its hour's counters."""
    if flight["dep_time"] in _MISSING:
        return {"flights": 1, "cancelled": 1}
    minutes = int(flight["dep_delay"])
    if flight["air_time"] in _MISSING:
        status = "diverted"
    elif minutes >= 15:
        status = "delayed"
    else:
        status = "on_time"
    return {"flights": 1, status: 1, "delay_minutes": max(0, minutes)}


def _day(flight: Mapping[str, str]) -> str:
    return f"{int(flight['year']):04}{int(flight['month']):02}{int(flight['day']):02}"


def _hour(flight: Mapping[str, str]) -> str:
    return f"{flight['origin']}-{_day(flight)}T{int(flight['hour']):02}"


def _id(flight: Mapping[str, str]) -> str:
    return f"{flight['carrier']}{flight['flight']}-{flight['origin']}-{_day(flight)}"
