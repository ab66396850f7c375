"""Holding what a run left behind against the truth: every difference in a line of its own.

Like the truth, this imports nothing of the application.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tidegate_ops.demo.truth import DayTruth, MalformedRow, Truth

MOST_FAILURES = 100
"""How many failures a job names; it may have more."""


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that was given up, as it was found: by whom, why, and the row itself (empty if it is not known)."""

    function: str
    reason: str
    record: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ObservedJob:
    """A day's job, as its submitter was told of it.

    Attributes:
        repeated: the job that the same submission became when it was repeated.
        result: any JSON value.
        known, settled: units of work.
    """

    id: str
    repeated: str
    state: str
    result: object
    known: int
    settled: int
    failures: tuple[RejectedRow, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """What the run left behind.

    Attributes:
        hours: document id → fields of the collection ``airport_hours``.
        departures: document id → status of the collection ``departures``.
        rebookings: flight id → how many bookings the partner's own log has for it.
        filed: flight id → whether the reference that the application keeps is one of those bookings'.
        dead_letters: every dead letter.
        handled: function → how many ledger records say ``done``.
        jobs: day → the job that it was handed in as.
    """

    hours: Mapping[str, Mapping[str, str | int]]
    departures: Mapping[str, str]
    rebookings: Mapping[str, int]
    filed: Mapping[str, bool]
    dead_letters: tuple[RejectedRow, ...]
    handled: Mapping[str, int]
    jobs: Mapping[str, ObservedJob]


def check(truth: Truth, observed: Observed) -> dict[str, list[str]]:
    """What was checked, and every difference in a line of its own."""
    return {
        "airport-hours": list(_hour_differences(truth.hours, observed.hours)),
        "departures": list(_departure_differences(truth.departures, observed.departures)),
        "bookings at the partner": list(_booking_differences(truth.cancelled, observed.rebookings)),
        "rebookings on file": list(_filing_differences(truth.cancelled, observed.filed)),
        "dead letters": list(_rejection_differences(truth.malformed, observed.dead_letters, "dead letter")),
        "events handled": list(_handled_differences(truth.handled, observed.handled)),
        "jobs and their results": list(_job_differences(truth.days, observed.jobs)),
        "failures of the jobs": list(_failure_differences(truth.days, observed.jobs)),
    }


def compare(truth: Truth, observed: Observed) -> list[str]:
    """The differences of every check; an empty list says that the run was exact."""
    return [line for differences in check(truth, observed).values() for line in differences]


def _hour_differences(
    expected: Mapping[str, Mapping[str, str | int]], found: Mapping[str, Mapping[str, str | int]]
) -> Iterator[str]:
    for hour in sorted(expected.keys() | found.keys()):
        if hour not in found:
            yield f"airport_hours/{hour}: missing"
        elif hour not in expected:
            yield f"airport_hours/{hour}: no flight was scheduled then"
        else:
            for line in _field_differences(expected[hour], found[hour]):
                yield f"airport_hours/{hour}: {line}"


def _departure_differences(expected: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    for flight in sorted(expected.keys() | found.keys()):
        if flight not in found:
            yield f"departures/{flight}: missing"
        elif flight not in expected:
            yield f"departures/{flight}: the file has no such flight"
        elif found[flight] != expected[flight]:
            yield f"departures/{flight}: status is {found[flight]}, expected {expected[flight]}"


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


def _rejection_differences(malformed: Sequence[MalformedRow], found: Sequence[RejectedRow], what: str) -> Iterator[str]:
    """``what`` is the word for one of ``found``."""
    by_flight: dict[str, list[RejectedRow]] = {}
    for rejected in found:
        by_flight.setdefault(rejected.record.get("flight", ""), []).append(rejected)
    for row in malformed:
        of_row = by_flight.pop(row.flight, [])
        if len(of_row) != 1:
            yield f"malformed flight {row.flight}: {len(of_row)} {what}s, expected 1"
        for rejected in of_row:
            if rejected.function != "assess_flight" or row.reason not in rejected.reason:
                yield (
                    f"malformed flight {row.flight}: {rejected.function} says {rejected.reason!r}, "
                    f"expected assess_flight to say {row.reason!r}"
                )
    for flight, unexpected in by_flight.items():
        for rejected in unexpected:
            subject = f" of flight {flight}" if flight else ""
            yield f"{what}{subject}: unexpected; {rejected.function} says {rejected.reason!r}"


def _handled_differences(expected: Mapping[str, int], found: Mapping[str, int]) -> Iterator[str]:
    for function in sorted(expected.keys() | found.keys()):
        want, have = expected.get(function, 0), found.get(function, 0)
        if want != have:
            yield f"{function}: handled {have} events, expected {want}"


def _job_differences(expected: Mapping[str, DayTruth], found: Mapping[str, ObservedJob]) -> Iterator[str]:
    for day in sorted(expected.keys() | found.keys()):
        if day not in found:
            yield f"job of {day}: missing"
        elif day not in expected:
            yield f"job of {day}: the file has no such day"
        else:
            for line in _differences_of_job(expected[day], found[day]):
                yield f"job of {day}: {line}"


def _differences_of_job(truth: DayTruth, job: ObservedJob) -> Iterator[str]:
    if job.repeated != job.id:
        yield f"submitted again it became job {job.repeated}, expected {job.id}"
    if job.state != truth.state:
        yield f"state is {job.state}, expected {truth.state}"
    if job.settled != job.known:
        yield f"{job.settled} units of its work have settled, expected {job.known}"
    if isinstance(job.result, Mapping):
        yield from _field_differences(truth.result, job.result)
    else:
        yield f"its result is {job.result!r}, expected the day's sums"


def _failure_differences(expected: Mapping[str, DayTruth], found: Mapping[str, ObservedJob]) -> Iterator[str]:
    for day in sorted(expected.keys() & found.keys()):
        malformed, failures = expected[day].malformed, found[day].failures
        if len(malformed) > MOST_FAILURES:
            if len(failures) != MOST_FAILURES:
                yield f"job of {day}: {len(failures)} failures are named, expected {MOST_FAILURES}"
            named = {each.record.get("flight") for each in failures}
            malformed = tuple(row for row in malformed if row.flight in named)
        for line in _rejection_differences(malformed, failures, "failure"):
            yield f"job of {day}, {line}"


def _field_differences(expected: Mapping[str, object], found: Mapping[str, object]) -> Iterator[str]:
    for name in sorted(expected.keys() | found.keys()):
        want, have = expected.get(name), found.get(name)
        if want != have:
            yield f"{name} is {have}, expected {want}"
