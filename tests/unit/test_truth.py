"""The truth of a run: computed from the file, compared to the last unit."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from contracts.flights import FlightAssessed
from tidegate import Reject
from tidegate_ops.demo import truth as truth_module
from tidegate_ops.demo.manifests import make_manifests, read_flights, spoil
from tidegate_ops.demo.truth import COUNTERS, MalformedRow, Observed, RejectedRow, Truth, compare
from tidegate_ops.project import Project

DAY = Path(truth_module.__file__).parent / "data" / "flights-2013-02-08.csv"
PROJECT = Project.find(Path(__file__).parent)
TRUTH = Truth.of(DAY, [MalformedRow(("2013",), "9001", "carrier is 'ZZ'")])
HOUR, CANCELLED = "EWR-20130208T15", "EV3267-EWR-20130208"
EXACT = Observed(
    counters=TRUTH.counters,
    rebookings=dict.fromkeys(TRUTH.cancelled, 1),
    filed=dict.fromkeys(TRUTH.cancelled, True),
    dead_letters=(RejectedRow("assess_flight", "carrier is 'ZZ': unknown carrier", {"flight": "9001"}),),
    handled=TRUTH.handled,
)


def handler(name: str) -> Callable[..., Any]:
    return PROJECT.load_handler(name).call


def test_the_blizzard_day_is_known() -> None:
    """930 flights, 472 of them cancelled, 3 diverted, in 53 airport-hours."""
    totals = {name: sum(hour[name] for hour in TRUTH.counters.values()) for name in COUNTERS}
    assert (TRUTH.flights, len(TRUTH.cancelled), len(TRUTH.counters)) == (930, 472, 53)
    assert (totals["flights"], totals["cancelled"], totals["diverted"]) == (930, 472, 3)
    assert totals["on_time"] + totals["delayed"] == 455
    assert CANCELLED in TRUTH.cancelled


def test_an_exact_run_has_no_differences() -> None:
    """Silence means exact."""
    assert compare(TRUTH, EXACT) == []


@pytest.mark.parametrize(
    ("observed", "difference"),
    [
        (
            replace(EXACT, counters={**TRUTH.counters, HOUR: {**TRUTH.counters[HOUR], "flights": 27}}),
            f"airport_hours/{HOUR}: flights is 27, expected {TRUTH.counters[HOUR]['flights']}",
        ),
        (
            replace(EXACT, counters={hour: counts for hour, counts in TRUTH.counters.items() if hour != HOUR}),
            f"airport_hours/{HOUR}: missing",
        ),
        (
            replace(EXACT, counters={**TRUTH.counters, "EWR-20130208T03": {}}),
            "airport_hours/EWR-20130208T03: no flight was scheduled then",
        ),
        (
            replace(EXACT, rebookings={**EXACT.rebookings, CANCELLED: 2}),
            f"rebooking of {CANCELLED}: booked 2 times, expected 1",
        ),
        (
            replace(EXACT, rebookings={**EXACT.rebookings, CANCELLED: 0}),
            f"rebooking of {CANCELLED}: booked 0 times, expected 1",
        ),
        (
            replace(EXACT, rebookings={**EXACT.rebookings, "UA1-EWR-20130208": 1}),
            "rebooking of UA1-EWR-20130208: booked 1 times, expected 0",
        ),
        (
            replace(EXACT, filed={**EXACT.filed, CANCELLED: False}),
            f"rebookings/{CANCELLED}: the partner knows no booking of this reference",
        ),
        (
            replace(EXACT, filed={**EXACT.filed, "UA1-EWR-20130208": True}),
            "rebookings/UA1-EWR-20130208: the flight was not cancelled",
        ),
        (replace(EXACT, dead_letters=()), "malformed flight 9001: 0 dead letters, expected 1"),
        (replace(EXACT, dead_letters=EXACT.dead_letters * 2), "malformed flight 9001: 2 dead letters, expected 1"),
        (
            replace(EXACT, dead_letters=(RejectedRow("assess_flight", "timeout", {"flight": "9001"}),)),
            "malformed flight 9001: assess_flight says 'timeout', expected assess_flight to say \"carrier is 'ZZ'\"",
        ),
        (
            replace(EXACT, dead_letters=(*EXACT.dead_letters, RejectedRow("rebook_passengers", "refused", {}))),
            "dead letter: unexpected; rebook_passengers says 'refused'",
        ),
        (
            replace(EXACT, handled={**TRUTH.handled, "track_hour": 929}),
            "track_hour: handled 929 events, expected 930",
        ),
    ],
)
def test_a_difference_is_one_clear_line(observed: Observed, difference: str) -> None:
    """Each kind of difference says what was found and what was expected."""
    assert compare(TRUTH, observed) == [difference]


def test_the_functions_agree_with_the_truth() -> None:
    """Two code paths, one result: the day, with spoilt rows, through the handlers alone."""
    split_manifest, assess_flight = handler("split_manifest"), handler("assess_flight")
    rows, malformed = spoil(read_flights(DAY), 10, Random(5))
    manifests = make_manifests(rows)
    counters: dict[str, dict[str, int]] = {}
    rebookings: Counter[str] = Counter()
    rejected: list[RejectedRow] = []
    for report in (report for manifest in manifests for report in split_manifest(manifest, None)):
        try:
            assessed, *cancelled = assess_flight(report, None)
        except Reject as error:
            rejected.append(RejectedRow("assess_flight", str(error), report.record))
            continue
        _count(counters, assessed)
        rebookings.update(flight.flight_id for flight in cancelled)
    truth = Truth.of(DAY, malformed)
    filed = dict.fromkeys(rebookings, True)
    assert compare(truth, Observed(counters, rebookings, filed, tuple(rejected), truth.handled)) == []
    assert truth.handled["split_manifest"] == len(manifests)


def _count(counters: dict[str, dict[str, int]], flight: FlightAssessed) -> None:
    hour = counters.setdefault(f"{flight.origin}-{flight.departure_hour}", dict.fromkeys(COUNTERS, 0))
    hour["flights"] += 1
    hour[flight.status] += 1
    hour["delay_minutes"] += max(flight.delay_minutes or 0, 0)
