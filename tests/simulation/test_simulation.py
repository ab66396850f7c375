"""The guarantees hold under placements of one and two faults, and under random schedules."""

from itertools import islice

import pytest

from tests.simulation.breaks import BREAKS
from tests.simulation.campaign import Tally, pairs_of, placements_of, random_runs
from tests.simulation.job_breaks import JOB_BREAKS
from tests.simulation.limit_breaks import LIMIT_BREAKS
from tests.simulation.placements import placed, singles
from tests.simulation.schedule import GATES_EVERY, GATES_FROM, JOBS_EVERY, seeded

RANDOM_SCHEDULES = 20_000
SCHEDULES_FOR_A_BREAK = 1_000
JOBS = ("job", "failing-job")
SHORT = ("flight", *JOBS, "gates")
"""Stories of which each operation may meet each fault; an outage has thousands of them."""
FIRSTS_OF_A_JOB = 3
"""Of all pairs of faults in a job one is drawn for each third first fault: every one would take hours."""


def _verdict(tally: Tally) -> str:
    """What to read, and what to type, when a guarantee was broken."""
    return "\n".join(
        f"{violations[0]}\n  replay: python -m tests.simulation {option}"
        for option, violations in list(tally.failures.items())[:5]
    )


@pytest.mark.parametrize("story", SHORT)
def test_the_undisturbed_story_keeps_every_guarantee(story: str) -> None:
    """Without a fault it ends at once, each effect once."""
    outcome = placed(story, {})
    assert outcome.violations == []
    assert outcome.seconds < 700


@pytest.mark.parametrize("story", SHORT)
def test_every_single_fault(story: str) -> None:
    """Each fault at each I/O operation of the story."""
    tally = Tally()
    for part in placements_of(story, singles(story)):
        tally.add(part)
    assert tally.runs > 100
    assert not tally.failures, _verdict(tally)


def test_every_pair_of_faults() -> None:
    """Each pair of faults in a flight's story, the second one at each operation of the run that the first one makes."""
    tally = Tally()
    for part in pairs_of("flight", singles("flight")):
        tally.add(part)
    assert tally.runs > 4_000
    assert not tally.failures, _verdict(tally)


@pytest.mark.parametrize("story", JOBS)
def test_pairs_of_faults_in_a_job(story: str) -> None:
    """A sample of the pairs: every third fault and operation, followed by another one drawn for it."""
    tally = Tally()
    for part in pairs_of(story, islice(singles(story), None, None, FIRSTS_OF_A_JOB), 1):
        tally.add(part)
    assert tally.runs > 60
    assert not tally.failures, _verdict(tally)


def test_random_schedules() -> None:
    """Scenarios, faults, latencies, clocks, cancellations and redrives drawn from a seed."""
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


@pytest.mark.parametrize("name", JOB_BREAKS)
def test_a_broken_job_tree_is_found_out(name: str) -> None:
    """The simulation notices each deliberate break of the job tree."""
    with JOB_BREAKS[name]():
        assert any(seeded(seed).violations for seed in range(0, JOBS_EVERY * SCHEDULES_FOR_A_BREAK, JOBS_EVERY))


@pytest.mark.parametrize("name", LIMIT_BREAKS)
def test_a_broken_limit_is_found_out(name: str) -> None:
    """The simulation notices each deliberate break of the limits per key."""
    seeds = range(GATES_FROM, GATES_EVERY * SCHEDULES_FOR_A_BREAK, GATES_EVERY)
    with LIMIT_BREAKS[name]():
        assert any(seeded(seed).violations for seed in seeds)


@pytest.mark.parametrize("seed", [7, JOBS_EVERY, GATES_FROM])
def test_a_seed_replays_exactly(seed: int) -> None:
    """The same seed gives the same run, to the last line of its trace."""
    assert seeded(seed, traced=True).trace == seeded(seed, traced=True).trace
