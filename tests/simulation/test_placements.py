"""The guarantees hold wherever one fault or two are placed in a short story."""

from itertools import islice

import pytest

from tests.simulation.campaign import Tally, pairs_of, placements_of
from tests.simulation.placements import placed, singles
from tests.simulation.world import SILENCE_SECONDS

JOBS = ("job", "failing-job")
SHORT = ("flight", *JOBS, "gates")
"""Stories of which each operation may meet each fault; an outage has thousands of them."""
FIRSTS_OF_A_JOB = 3
"""Of all pairs of faults in a job one is drawn for each third first fault: every one would take hours."""


@pytest.mark.parametrize("story", SHORT)
def test_the_undisturbed_story_keeps_every_guarantee(story: str) -> None:
    """Without a fault it ends at once, each effect once."""
    outcome = placed(story, {})
    assert outcome.violations == []
    assert outcome.seconds < SILENCE_SECONDS + 100


@pytest.mark.parametrize("story", SHORT)
def test_every_single_fault(story: str) -> None:
    """Each fault at each I/O operation of the story."""
    tally = Tally()
    for part in placements_of(story, singles(story)):
        tally.add(part)
    assert tally.runs > 100
    assert not tally.failures, tally.verdict


def test_every_pair_of_faults() -> None:
    """Each pair of faults in a flight's story, the second one at each operation of the run that the first one makes."""
    tally = Tally()
    for part in pairs_of("flight", singles("flight")):
        tally.add(part)
    assert tally.runs > 4_000
    assert not tally.failures, tally.verdict


@pytest.mark.parametrize("story", JOBS)
def test_pairs_of_faults_in_a_job(story: str) -> None:
    """A sample of the pairs: every third fault and operation, followed by another one drawn for it."""
    tally = Tally()
    for part in pairs_of(story, islice(singles(story), None, None, FIRSTS_OF_A_JOB), 1):
        tally.add(part)
    assert tally.runs > 60
    assert not tally.failures, tally.verdict
