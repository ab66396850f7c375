"""The guarantees hold under random schedules."""

import pytest

from tests.simulation.campaign import Tally, random_runs
from tests.simulation.schedule import GATES_FROM, JOBS_EVERY, seeded

RANDOM_SCHEDULES = 20_000


def test_random_schedules() -> None:
    """Scenarios, faults, latencies, clocks, cancellations and redrives drawn from a seed."""
    tally = Tally()
    for part in random_runs(range(RANDOM_SCHEDULES)):
        tally.add(part)
    assert tally.runs == RANDOM_SCHEDULES
    assert not tally.failures, tally.verdict


@pytest.mark.parametrize("seed", [7, JOBS_EVERY, GATES_FROM])
def test_a_seed_replays_exactly(seed: int) -> None:
    """The same seed gives the same run, to the last line of its trace."""
    assert seeded(seed, traced=True).trace == seeded(seed, traced=True).trace
