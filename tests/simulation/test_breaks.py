"""The proof's own proof: an engine that is broken on purpose does not get past the simulation."""

import pytest

from tests.simulation.breaks import BREAKS
from tests.simulation.job_breaks import JOB_BREAKS
from tests.simulation.limit_breaks import LIMIT_BREAKS
from tests.simulation.schedule import GATES_EVERY, GATES_FROM, JOBS_EVERY, seeded

SCHEDULES_FOR_A_BREAK = 1_000


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
