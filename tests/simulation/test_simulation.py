"""The guarantees hold under random schedules."""

from dataclasses import replace

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


def test_a_seed_replays_exactly() -> None:
    """The same seed gives the same run, to the last line of its trace, whatever ran before and whoever looks on."""
    seeds = [1, *range(GATES_FROM, JOBS_EVERY + 2), 101]  # some of each kind
    alone = {seed: seeded(seed) for seed in seeds}
    traced = {seed: seeded(seed, traced=True) for seed in reversed(seeds)}
    for seed in seeds:
        assert replace(traced[seed], trace=[]) == alone[seed]
        assert seeded(seed, traced=True) == traced[seed]
