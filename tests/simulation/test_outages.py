"""The governor under faults: what is cut off waits, what has recovered runs again, what is held stays held."""

from collections.abc import Iterator

import pytest

from tests.simulation.campaign import Tally, placements_of
from tests.simulation.governor_breaks import GOVERNOR_BREAKS
from tests.simulation.placements import governors, held, placed
from tests.simulation.schedule import Outcome, seeded

STORIES = ("outage", "held-outage", "long-outage")


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
    assert tally.runs > 120
    assert not tally.failures, tally.verdict


@pytest.mark.parametrize("start", range(0, 40, 4))
def test_an_operator_may_come_at_any_moment(start: int) -> None:
    """Before the governor acts, while it does and after that, their pause stands."""
    assert held(1 + start / 20).violations == []


@pytest.mark.parametrize("name", GOVERNOR_BREAKS)
def test_a_broken_governor_is_found_out(name: str) -> None:
    """The simulation notices each deliberate break of the governor."""
    with GOVERNOR_BREAKS[name]():
        assert any(outcome.violations for outcome in _outcomes())


def _outcomes() -> Iterator[Outcome]:
    """Runs in the order of what they cost; of faults the latest first, since what is not resumed shows most clearly."""
    yield from (placed(story, {}) for story in STORIES)
    yield from (held(1.4 + number / 100) for number in range(40))  # while the governor acts
    yield from (placed("outage", faults) for faults in reversed(list(governors("outage"))))


def test_an_outage_replays_exactly() -> None:
    """The same seed gives the same run, to the last line of its trace."""
    assert seeded(1, traced=True).trace == seeded(1, traced=True).trace
