"""Every placement of one and of two faults over a small pipeline, none left out."""

from collections.abc import Iterator, Mapping
from random import Random

from tests.simulation.faults import Fault, Placed
from tests.simulation.scenario import Scenario
from tests.simulation.schedule import Outcome, play

PIPELINE = Scenario((("cancelled",),))
"""One cancelled flight: split, assessed without a claim, counted by a batch, rebooked in a step."""
_SEED = 2013


def placed(faults: Mapping[int, Fault], *, traced: bool = False) -> Outcome:
    """The pipeline's run with these faults; everything else about it is always the same."""
    return play(PIPELINE, Placed(faults), Random(_SEED), traced=traced)


def singles() -> Iterator[dict[int, Fault]]:
    """Each fault at each operation of the undisturbed run."""
    for number in range(placed({}).operations):
        for fault in Fault:
            yield {number: fault}


def pairs(first: Mapping[int, Fault]) -> Iterator[dict[int, Fault]]:
    """``first`` with each fault at each operation that comes after it in the run that it makes."""
    [place] = first
    for number in range(place + 1, placed(first).operations):
        for fault in Fault:
            yield {**first, number: fault}
