"""Statistics, targets, scale: what is made of the measurements."""

from collections.abc import Sequence

import pytest

from tests.benchmarks.bench import ASYNC, TIDEGATE, rotated
from tests.benchmarks.course import Findings
from tests.benchmarks.figures import Sample, Spread, ratio, spread
from tests.benchmarks.load import Refused
from tests.benchmarks.operations import Operations
from tests.benchmarks.scale import Scale
from tests.benchmarks.scenarios import HEADLINE, SCENARIOS, Scenario
from tests.benchmarks.tables import Table
from tests.benchmarks.tap import Tap
from tests.benchmarks.targets import ledger_growth, targets


def samples(*cpu_us: float, p50_ms: float | None = 1.0) -> list[Sample]:
    return [Sample(each, 100, p50_ms, p50_ms, 50, 10) for each in cpu_us]


def test_a_spread_is_median_and_extremes() -> None:
    """In every form a number can be written in."""
    assert f"{Spread.of([3, 1, 2, 10]):.1f}" == "2.5 (1.0\N{EN DASH}10.0)"
    with pytest.raises(ValueError, match="no values"):
        Spread.of([])


def test_a_ratio_is_taken_round_by_round() -> None:
    """A machine that is twice as slow in one round changes nothing."""
    assert ratio(samples(10, 20), samples(40, 80), lambda sample: sample.cpu_us) == Spread(0.25, 0.25, 0.25)


def test_what_nobody_measured_has_no_figure() -> None:
    """A task queue's latency, and a ratio to it."""
    unknown, known = samples(1, p50_ms=None), samples(1)
    assert spread(unknown, lambda sample: sample.p50_ms) is None
    assert ratio(known, unknown, lambda sample: sample.p50_ms) is None


def test_everybody_is_first_in_turn() -> None:
    """So that whoever comes after somebody else does so as often as the others."""
    assert [rotated("abc", number)[0] for number in range(4)] == ["a", "b", "c", "a"]


@pytest.mark.parametrize(("cpu_us", "met"), [(25, True), (26, False)])
def test_targets_are_judged_by_the_median(cpu_us: float, met: bool) -> None:
    """A single bad round breaks no promise, and a single good one keeps none."""
    arms = {TIDEGATE: samples(1, cpu_us, 1000), ASYNC: samples(100, 100, 100)}
    found = {each.promise: each for each in targets(Findings(comparisons={HEADLINE.name: arms}))}
    judged = found[f"CPU of a delivery with one event, of {ASYNC}"]
    assert (judged.met, judged.judgement) == (met, "yes" if met else "**no**")


def test_a_growing_ledger_is_judged_by_its_worst_size() -> None:
    """Whichever way the cost changed, but for what the machine did to the baseline as well."""
    ledger = {
        size: {TIDEGATE: samples(ours), ASYNC: samples(theirs)}
        for size, ours, theirs in ((0, 100, 200), (10, 160, 400), (20, 105, 200))
    }
    assert ledger_growth(ledger) == pytest.approx([1, 0.8, 1.05])
    [judged] = targets(Findings(ledger=ledger))
    assert (judged.measured.median, judged.met) == (pytest.approx(0.2), False)


def test_runs_are_long_enough_to_be_parallel() -> None:
    """Expensive scenarios make fewer deliveries, but fill what is in flight; nothing makes more than a plain one."""
    for scenario in SCENARIOS:
        assert min(scenario.in_flight, 300) <= scenario.deliveries(300) <= 300
        assert scenario.deliveries(10) <= 10


@pytest.mark.parametrize(
    ("published", "said"),
    [
        (["a"], "1 events were published"),
        (["a", "a"], "1 different ones"),
        (["a", "b", "c"], "3 events were published"),
    ],
)
def test_a_contender_that_does_too_little_or_too_much_is_no_contender(published: Sequence[str], said: str) -> None:
    """Its figures would be about something else."""
    tap = Tap("127.0.0.1:1", "127.0.0.1:1")
    tap.message_ids += published
    with pytest.raises(Refused, match=said):
        Operations.of(tap, Scenario("two", copies=2), 1)


def test_scale() -> None:
    """A million events a second are two million writes; Firestore's rule makes that a matter of hours."""
    scale = Scale(1_000_000, cpu_us=300)
    assert (scale.writes, scale.ranges, scale.megabytes, scale.instances) == (2_000_000, 4_000, 1_000, 500)
    assert scale.ramp_minutes == 105
    assert 500 * 1.5 ** (105 / 5 - 1) < scale.writes <= 500 * 1.5 ** (105 / 5)
    assert Scale(250, cpu_us=300).ramp_minutes == 0


def test_tables_in_markdown() -> None:
    """As docs/performance.md has them: a heading, names to the left, numbers to the right."""
    table = Table("Numbers", ["name", "value"], [["one", "1"]])
    assert table.markdown() == "### Numbers\n\n| name | value |\n| --- | ---: |\n| one | 1 |\n"
