"""Every difference from the truth is found, and told in a line of its own."""

from dataclasses import replace
from pathlib import Path

import pytest

from tidegate_ops.demo import truth as truth_module
from tidegate_ops.demo.comparison import MOST_FAILURES, Observed, ObservedJob, RejectedRow, compare
from tidegate_ops.demo.truth import MalformedRow, Truth

SAMPLE = Path(truth_module.__file__).parent / "data" / "flights-2013-02-08.csv"
DAY, HOUR, CANCELLED = "2013-02-08", "EWR-20130208T15", "EV3267-EWR-20130208"
TRUTH = Truth.of(SAMPLE, [MalformedRow(("2013",), DAY, "9001", "carrier is 'ZZ'")])
REJECTED = RejectedRow("assess_flight", "carrier is 'ZZ': unknown carrier", {"flight": "9001"})
JOB = ObservedJob("j1", "j1", "failed", TRUTH.days[DAY].result, 3000, 3000, (REJECTED,))
EXACT = Observed(
    hours=TRUTH.hours,
    departures=TRUTH.departures,
    rebookings=dict.fromkeys(TRUTH.cancelled, 1),
    filed=dict.fromkeys(TRUTH.cancelled, True),
    dead_letters=(REJECTED,),
    handled=TRUTH.handled,
    jobs={DAY: JOB},
)


def with_job(**values: object) -> Observed:
    """The exact run, but for something about its job."""
    return replace(EXACT, jobs={DAY: replace(JOB, **values)})


def test_an_exact_run_has_no_differences() -> None:
    """Silence means exact."""
    assert compare(TRUTH, EXACT) == []


@pytest.mark.parametrize(
    ("observed", "difference"),
    [
        (
            replace(EXACT, hours={**TRUTH.hours, HOUR: {**TRUTH.hours[HOUR], "flights": 27}}),
            f"airport_hours/{HOUR}: flights is 27, expected {TRUTH.hours[HOUR]['flights']}",
        ),
        (
            replace(EXACT, hours={hour: sums for hour, sums in TRUTH.hours.items() if hour != HOUR}),
            f"airport_hours/{HOUR}: missing",
        ),
        (
            replace(EXACT, hours={**TRUTH.hours, "EWR-20130208T03": {}}),
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
        (
            replace(EXACT, hours={**TRUTH.hours, HOUR: {**TRUTH.hours[HOUR], "date": "2013-02-09"}}),
            f"airport_hours/{HOUR}: date is 2013-02-09, expected 2013-02-08",
        ),
        (
            replace(EXACT, departures={**TRUTH.departures, CANCELLED: "delayed"}),
            f"departures/{CANCELLED}: status is delayed, expected cancelled",
        ),
        (
            replace(EXACT, departures={**TRUTH.departures, "UA1-EWR-20130208": "on_time"}),
            "departures/UA1-EWR-20130208: the file has no such flight",
        ),
        (
            replace(EXACT, departures={name: each for name, each in TRUTH.departures.items() if name != CANCELLED}),
            f"departures/{CANCELLED}: missing",
        ),
        (replace(EXACT, jobs={}), f"job of {DAY}: missing"),
        (replace(EXACT, jobs={DAY: JOB, "2013-02-09": JOB}), "job of 2013-02-09: the file has no such day"),
        (with_job(repeated="j2"), f"job of {DAY}: submitted again it became job j2, expected j1"),
        (with_job(state="succeeded"), f"job of {DAY}: state is succeeded, expected failed"),
        (
            with_job(settled=2999),
            f"job of {DAY}: 2999 units of its work have settled, expected 3000",
        ),
        (
            with_job(result={**TRUTH.days[DAY].result, "delay_minutes": 7541}),
            f"job of {DAY}: delay_minutes is 7541, expected 7542",
        ),
        (with_job(result=None), f"job of {DAY}: its result is None, expected the day's sums"),
        (with_job(failures=()), f"job of {DAY}, malformed flight 9001: 0 failures, expected 1"),
        (
            with_job(failures=(RejectedRow("assess_flight", "timeout", {"flight": "9001"}),)),
            f"job of {DAY}, malformed flight 9001: assess_flight says 'timeout', "
            "expected assess_flight to say \"carrier is 'ZZ'\"",
        ),
        (
            with_job(failures=(REJECTED, RejectedRow("rebook_passengers", "refused", {}))),
            f"job of {DAY}, failure: unexpected; rebook_passengers says 'refused'",
        ),
    ],
)
def test_a_difference_is_one_clear_line(observed: Observed, difference: str) -> None:
    """Each kind of difference says what was found and what was expected."""
    assert compare(TRUTH, observed) == [difference]


def test_a_job_names_only_so_many_failures() -> None:
    """Where there are more malformed rows, any of them may be those that are named; no others, and no fewer."""
    rows = [MalformedRow((), DAY, str(number), "time_hour is missing") for number in range(9001, 9201)]
    truth = Truth.of(SAMPLE, rows)
    rejected = tuple(RejectedRow("assess_flight", row.reason, {"flight": row.flight}) for row in rows)
    job = replace(JOB, failures=rejected[-MOST_FAILURES:])
    observed = replace(EXACT, dead_letters=rejected, handled=truth.handled, jobs={DAY: job})
    assert compare(truth, observed) == []
    fewer = replace(observed, jobs={DAY: replace(job, failures=rejected[:99])})
    assert compare(truth, fewer) == [f"job of {DAY}: 99 failures are named, expected 100"]
    stranger = RejectedRow("assess_flight", "carrier is 'ZZ'", {"flight": "12"})
    other = replace(observed, jobs={DAY: replace(job, failures=(*rejected[:99], stranger))})
    assert compare(truth, other) == [
        f"job of {DAY}, failure of flight 12: unexpected; assess_flight says \"carrier is 'ZZ'\""
    ]
