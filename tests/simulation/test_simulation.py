"""The guarantees hold under every placement of one and two faults, and under random schedules."""

import pytest

from tests.simulation.breaks import BREAKS
from tests.simulation.campaign import Tally, pairs_of, placement_option, random_runs
from tests.simulation.placements import placed, singles
from tests.simulation.schedule import seeded

RANDOM_SCHEDULES = 20_000
SCHEDULES_FOR_A_BREAK = 1_000


def _verdict(tally: Tally) -> str:
    """What to read, and what to type, when a guarantee was broken."""
    return "\n".join(
        f"{violations[0]}\n  replay: python -m tests.simulation {option}"
        for option, violations in list(tally.failures.items())[:5]
    )


def test_the_undisturbed_pipeline_keeps_every_guarantee() -> None:
    """Without a fault the pipeline ends at once, each effect once."""
    outcome = placed({})
    assert outcome.violations == []
    assert outcome.seconds < 700


def test_every_single_fault() -> None:
    """Each fault at each I/O operation of the pipeline."""
    for faults in singles():
        assert placed(faults).violations == [], placement_option(faults)


def test_every_pair_of_faults() -> None:
    """Each pair of faults, the second one at each operation of the run that the first one makes."""
    tally = Tally()
    for part in pairs_of(singles()):
        tally.add(part)
    assert tally.runs > 4_000
    assert not tally.failures, _verdict(tally)


def test_random_schedules() -> None:
    """Scenarios, faults, latencies, clocks and redrives drawn from a seed."""
    tally = Tally()
    for part in random_runs(range(RANDOM_SCHEDULES)):
        tally.add(part)
    assert tally.runs == RANDOM_SCHEDULES
    assert not tally.failures, _verdict(tally)


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_engine_is_found_out(name: str) -> None:
    """The simulation notices each deliberate break of the engine."""
    with BREAKS[name]():
        assert any(seeded(seed).violations for seed in range(SCHEDULES_FOR_A_BREAK))


def test_a_seed_replays_exactly() -> None:
    """The same seed gives the same run, to the last line of its trace."""
    assert seeded(7, traced=True).trace == seeded(7, traced=True).trace
