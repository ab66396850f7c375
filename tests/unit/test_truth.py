"""The truth of a run, computed from the file alone."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from contracts.flights import FlightAssessed
from tidegate import Reject
from tidegate_ops.demo import truth as truth_module
from tidegate_ops.demo.comparison import Observed, ObservedJob, RejectedRow, compare
from tidegate_ops.demo.manifests import COLUMNS, make_days, read_flights, spoil
from tidegate_ops.demo.truth import COUNTERS, MalformedRow, Truth
from tidegate_ops.project import Project

SAMPLE = Path(truth_module.__file__).parent / "data" / "flights-2013-02-08.csv"
DAY = "2013-02-08"
PROJECT = Project.find(Path(__file__).parent)


def handler(name: str) -> Callable[..., Any]:
    return PROJECT.load_handler(name).call


def test_the_blizzard_day_is_known() -> None:
    """930 flights, 472 of them cancelled, 3 diverted, in 53 airport-hours."""
    truth = Truth.of(SAMPLE)
    totals = {name: sum(int(hour[name]) for hour in truth.hours.values()) for name in COUNTERS}
    assert (truth.flights, len(truth.cancelled), len(truth.hours)) == (930, 472, 53)
    assert (totals["flights"], totals["cancelled"], totals["diverted"]) == (930, 472, 3)
    assert totals["on_time"] + totals["delayed"] == 455
    assert "EV3267-EWR-20130208" in truth.cancelled
    assert Counter(truth.departures.values())["cancelled"] == 472
    assert truth.days[DAY].result == {"date": DAY, **totals}


def test_a_job_fails_with_its_malformed_rows() -> None:
    """Without any it succeeds."""
    clean = Truth.of(SAMPLE)
    spoilt = Truth.of(SAMPLE, [MalformedRow((), DAY, "9001", "carrier is 'ZZ'")])
    assert (clean.days[DAY].state, spoilt.days[DAY].state) == ("succeeded", "failed")
    assert (spoilt.handled["assess_flight"], spoilt.ended["assess_flight"]) == (930, 931)


def test_each_day_of_a_file_is_a_job_of_its_own(tmp_path: Path) -> None:
    """With its own sums and its own malformed rows."""
    rows = [*read_flights(SAMPLE)[:40], *(("2013", "2", "9", *row[3:]) for row in read_flights(SAMPLE)[:30])]
    path = tmp_path / "days.csv"
    path.write_text("\n".join(map(",".join, [COLUMNS, *rows])), encoding="utf-8")
    mixed, malformed = spoil(rows, 7, Random(3))
    truth = Truth.of(path, malformed)
    assert [day.date.isoformat() for day in make_days(mixed)] == list(truth.days) == [DAY, "2013-02-09"]
    assert [each.result["flights"] for each in truth.days.values()] == [40, 30]
    named = [row.flight for each in truth.days.values() for row in each.malformed]
    assert sorted(named) == [row.flight for row in malformed]
    assert truth.handled["open_day"] == truth.handled["close_day"] == 2


def test_the_functions_agree_with_the_truth() -> None:
    """Two code paths, one result: the day, with spoilt rows, through the handlers alone."""
    split_manifest, assess_flight = handler("split_manifest"), handler("assess_flight")
    rows, malformed = spoil(read_flights(SAMPLE), 10, Random(5))
    [day] = make_days(rows)
    hours: dict[str, dict[str, str | int]] = {}
    departures: dict[str, str] = {}
    rebookings: Counter[str] = Counter()
    rejected: list[RejectedRow] = []
    for report in (report for manifest in day.manifests for report in split_manifest(manifest, None)):
        try:
            assessed, *cancelled = assess_flight(report, None)
        except Reject as error:
            rejected.append(RejectedRow("assess_flight", str(error), report.record))
            continue
        _count(hours, assessed)
        departures[assessed.flight_id] = assessed.status
        rebookings.update(flight.flight_id for flight in cancelled)
    truth = Truth.of(SAMPLE, malformed)
    result = {"date": DAY} | {name: sum(int(hour[name]) for hour in hours.values()) for name in COUNTERS}
    observed = Observed(
        hours=hours,
        departures=departures,
        rebookings=rebookings,
        filed=dict.fromkeys(rebookings, True),
        dead_letters=tuple(rejected),
        handled=truth.handled,
        jobs={DAY: ObservedJob("j1", "j1", "failed", result, 7, 7, tuple(rejected))},
    )
    assert compare(truth, observed) == []
    assert truth.handled["split_manifest"] == len(day.manifests)


def _count(hours: dict[str, dict[str, Any]], flight: FlightAssessed) -> None:
    hour = hours.setdefault(
        f"{flight.origin}-{flight.departure_hour}",
        {"date": flight.scheduled_departure.date().isoformat(), **dict.fromkeys(COUNTERS, 0)},
    )
    hour["flights"] += 1
    hour[flight.status] += 1
    hour["delay_minutes"] += max(flight.delay_minutes or 0, 0)
