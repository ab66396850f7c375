"""The governor under faults: what is cut off waits, what has recovered runs again, what is held stays held."""

import pytest

from tests.simulation.campaign import Tally, placements_of
from tests.simulation.governor_breaks import GOVERNOR_BREAKS
from tests.simulation.placements import governors, placed
from tests.simulation.schedule import OUTAGES_EVERY, seeded

STORIES = ("outage", "held-outage", "long-outage")
OUTAGES_FOR_A_BREAK = 60


@pytest.mark.parametrize("story", STORIES)
def test_an_undisturbed_outage_keeps_every_guarantee(story: str) -> None:
    """Without a fault nothing is pushed while the partner is cut off, but for the first seconds; so each opening of the
    breaker costs each message one delivery.
    """
    assert placed(story, {}).violations == []


def test_every_single_fault_at_the_governor() -> None:
    """Each fault at each of its operations, its death among them."""
    tally = Tally()
    for part in placements_of("outage", governors("outage")):
        tally.add(part)
    assert tally.runs > 150
    assert not tally.failures, next(iter(tally.failures.items()))


@pytest.mark.parametrize("name", GOVERNOR_BREAKS)
def test_a_broken_governor_is_found_out(name: str) -> None:
    """The simulation notices each deliberate break of the governor."""
    seeds = range(1, OUTAGES_FOR_A_BREAK * OUTAGES_EVERY, OUTAGES_EVERY)
    with GOVERNOR_BREAKS[name]():
        assert any(placed(story, {}).violations for story in STORIES) or any(seeded(each).violations for each in seeds)


def test_an_outage_replays_exactly() -> None:
    """The same seed gives the same run, to the last line of its trace."""
    assert seeded(1, traced=True).trace == seeded(1, traced=True).trace
