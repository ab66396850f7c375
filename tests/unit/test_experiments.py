"""The experiments' own arithmetic: topologies, curves, and what counts as a promise kept."""

import json
import threading
from pathlib import Path

import pytest

from tidegate_ops.experiments.bench import DEPENDENCY, FUNCTION, TOPIC, Deliveries, Stalled
from tidegate_ops.experiments.charts import charts
from tidegate_ops.experiments.flights import cancelled, event_ids, message
from tidegate_ops.experiments.flood import RATE_PER_SECOND, UNSETTLED_JOBS, Flood, altered, load_for
from tidegate_ops.experiments.outage import Arm, Outage, Plan
from tidegate_ops.experiments.recorder import Recorder, rates
from tidegate_ops.project import Project

PROJECT = Project.find(Path(__file__).parent)


def arm(**changes: object) -> Arm:
    """A run with a breaker in which all went well."""
    fine: dict[str, object] = {
        "dead_letters": 0,
        "most_attempts": 3,
        "calls_while_down": 7,
        "most_calls": 12,
        "settled_seconds": 12.0,
        "bookings": 2000,
        "booked_twice": 0,
        "times": [],
        "series": {},
    }
    return Arm.model_validate(fine | changes)


def flood(**changes: object) -> Flood:
    """A flood in which all went well."""
    fine: dict[str, object] = {
        "seconds": 60,
        "capacity_per_second": 10,
        "offered_per_second": 50,
        "answers": {202: 700, 429: 1300, 503: 1000},
        "without_retry_after": 0,
        "unsettled": 0,
        "calm_p99_ms": 40,
        "flood_p99_ms": 90,
        "memory_mb": {"gateway": 170},
        "memory_growth": {"gateway": 1.01},
        "times": [],
        "series": {},
    }
    return Flood.model_validate(fine | changes)


def line(event_id: str, verdict: str, attempt: int = 1) -> str:
    """A delivery's log line."""
    return json.dumps(
        {"message": "", "action": "delivery", "event_id": event_id, "verdict": verdict, "attempt": attempt}
    )


def test_an_outage_changes_nothing_but_the_breaker() -> None:
    """Guarded, it opens sooner, for a share of the outage; unguarded, it is switched off."""
    own = PROJECT.topology()
    guarded, unguarded = (Plan(60).topology(own, guarded=each) for each in (True, False))
    breaker = guarded.dependencies[DEPENDENCY].breaker
    assert breaker is not None
    assert (breaker.failures, breaker.cool_down_seconds, breaker.longest_cool_down_seconds) == (2, 20, 20)
    assert unguarded.dependencies[DEPENDENCY].breaker is None
    for each in (guarded, unguarded):
        restored = each.dependencies[DEPENDENCY].model_copy(update={"breaker": own.dependencies[DEPENDENCY].breaker})
        assert each.model_copy(update={"dependencies": {**each.dependencies, DEPENDENCY: restored}}) == own


def test_a_minute_of_outage_is_two_thousand_events() -> None:
    """At a rate that the emulator can follow."""
    assert Plan(60).events == 2000


def test_a_flood_needs_an_open_door_with_limits() -> None:
    """The gateway accepts what the function handles, and both of its limits can be reached."""
    topology = altered(PROJECT.topology())
    gateway = topology.http_config("gateway")
    assert TOPIC in gateway.accepts
    assert (gateway.rate_per_second, gateway.max_unsettled_jobs[TOPIC]) == (RATE_PER_SECOND, UNSETTLED_JOBS)
    assert topology.functions == PROJECT.topology().functions


def test_a_flood_is_too_much_for_any_machine() -> None:
    """It goes by the capacity, and where that is small by what the gateway lets one client hand in."""
    assert load_for(20) == 100
    assert load_for(1) == 70 > RATE_PER_SECOND


def test_an_altered_project_is_the_same_folder() -> None:
    """Its topology is the experiment's, and the file stays as it is."""
    topology = altered(PROJECT.topology())
    project = PROJECT.altered(topology)
    assert project == PROJECT
    assert project.topology() == topology != PROJECT.topology()


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"dead_letters": 1}, "died of the outage"),
        ({"bookings": 1999}, "was booked, and once"),
        ({"booked_twice": 1}, "was booked, and once"),
        ({"calls_while_down": 10, "most_calls": 9}, "was left alone"),
        ({"calls_while_down": 11}, "at most 1%"),
        ({"settled_seconds": 31}, "within 30 s"),
    ],
)
def test_what_a_breaker_promises(changes: dict[str, object], broken: str) -> None:
    """Each figure can break its own promise; the run without a breaker breaks none."""
    unguarded = arm(dead_letters=900, calls_while_down=1000, most_calls=None)
    kept = Outage(seconds=60, events=2000, guarded=arm(), unguarded=unguarded)
    assert all(kept.claims().values())
    assert kept.calls_share == pytest.approx(7 / 1000)
    claims = Outage(seconds=60, events=2000, guarded=arm(**changes), unguarded=unguarded).claims()
    assert [broken in promise for promise, holds in claims.items() if not holds] == [True]


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({"answers": {0: 1, 202: 700, 503: 2299}}, "accepted or refused"),
        ({"without_retry_after": 1}, "when to come again"),
        ({"unsettled": 1}, "succeeds"),
        ({"memory_growth": {"gateway": 1.2}}, "grow"),
        ({"flood_p99_ms": 121}, "as long"),
    ],
)
def test_what_a_flood_must_not_do(changes: dict[str, object], broken: str) -> None:
    """Each figure can break its own promise."""
    assert all(flood().claims().values())
    claims = flood(**changes).claims()
    assert [broken in promise for promise, holds in claims.items() if not holds] == [True]


def test_each_flight_is_an_event_of_its_own() -> None:
    """Under its flight's name, and with what the function consumes inside."""
    messages = [message(flight) for flight in cancelled(0, 3)]
    assert {each.attributes["ce-id"] for each in messages} == event_ids(3)
    assert {each.topic for each in messages} == {TOPIC}


def test_deliveries_are_those_of_one_function() -> None:
    """An event ends once; what was put off has not ended, but its attempts count."""
    deliveries = Deliveries()
    deliveries.note("close_day", line("other", "done"))
    deliveries.note(FUNCTION, "Booting worker")
    deliveries.note(FUNCTION, line("a", "retry", attempt=4))
    assert deliveries.ended == 0
    for verdict in ("dead", "duplicate"):
        deliveries.note(FUNCTION, line("b", verdict))
    assert (deliveries.ended, deliveries.dead, deliveries.most_attempts) == (1, 1, 4)


def test_waiting_for_deliveries_ends_when_they_do_or_nothing_does() -> None:
    """Told from another thread; without any news it is given up, with how far it got."""
    deliveries = Deliveries()
    threading.Timer(0.02, lambda: deliveries.note(FUNCTION, line("a", "done"))).start()
    deliveries.wait(lambda ended: "a" in ended, 5)
    with pytest.raises(Stalled, match=r"1 events have ended, and no more for 0\.01 s"):
        deliveries.wait(lambda ended: "b" in ended, 0.01)


def test_a_recorder_keeps_on_when_a_probe_fails() -> None:
    """A value that cannot be had is like the last one."""
    seen = threading.Event()
    answers = iter([3.0])

    def probe() -> float:
        try:
            return next(answers)
        except StopIteration:
            seen.set()
            raise RuntimeError("no answer") from None

    with Recorder({"a": probe}, every_seconds=0.001) as recorder:
        seen.wait(5)
    assert len(recorder.times) >= 1
    assert set(recorder.values["a"]) == {3.0}
    assert recorder.between("a", 0, recorder.now)[0] == 3.0


def test_a_span_has_a_value_though_nobody_asked_in_it() -> None:
    """What was known when it began is what there was."""
    recorder = Recorder({"a": lambda: 0.0})
    recorder.times, recorder.values["a"] = [0.0, 0.5, 1.0, 2.5], [1.0, 2.0, 3.0, 4.0]
    assert recorder.between("a", 0, 0.5) == [1.0]
    assert recorder.between("a", 1.2, 2.2) == [3.0]
    assert recorder.between("a", 0.7, 3.0) == [2.0, 3.0, 4.0]
    assert recorder.between("a", 1.0, 1.5) == [3.0]


def test_rates_of_a_total() -> None:
    """How fast it grew since the value before."""
    assert rates([1.0, 2.0, 4.0], [0.0, 10.0, 10.0]) == [0.0, 10.0, 0.0]
    assert rates([], []) == []


def test_charts_share_an_axis() -> None:
    """Each is as high as its own greatest value; what is either on or off is a bar."""
    lines = list(charts([0.0, 1.0, 2.0], {"calls": [0.0, 600.0, 1200.0], "down": [0.0, 1.0, 0.0]}))
    assert lines[0] == "calls: up to 1,200"
    assert lines[3].endswith("█")
    assert lines[4] == "down: up to 1"
    assert set(lines[5]) == {" ", "█"}
    assert lines[-1].startswith("0 s")
    assert lines[-1].endswith("2 s")
    assert list(charts([], {})) == []
