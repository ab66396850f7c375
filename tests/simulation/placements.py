"""Every placement of one and of two faults over a small pipeline, none left out; over small jobs and limits, too."""

from collections.abc import Iterator, Mapping
from random import Random

from tests.simulation.faults import Fault, Placed
from tests.simulation.gate_scenario import Change, GateScenario
from tests.simulation.gates import GateChanged
from tests.simulation.scenario import Scenario
from tests.simulation.schedule import Outcome, Story, flights, gates, play, trips
from tests.simulation.trip_scenario import Submission, TripScenario
from tests.simulation.trips import Leg, TripPlanned


def _job(form: str, kind: str) -> Story:
    trip = TripPlanned(trip="t", form=form, legs=(Leg(trip="t", number=0, kind=kind),))
    return trips(TripScenario((Submission(0, trip, callback=True),)))


STORIES: Mapping[str, Story] = {
    # One cancelled flight: split, assessed without a claim, counted by a batch, rebooked in a step.
    "flight": flights(Scenario((("cancelled",),))),
    # A leg in a gathering, booked for two functions, then what follows the gathering; the callback.
    "job": _job("gathered", "fine"),
    # A leg that is rejected, its compensation, the callback; at the end the letter is redriven.
    "failing-job": _job("plain", "full"),
    # Two changes of one gate: the second waits for its place, and supersedes the first.
    "gates": gates(GateScenario(tuple(Change(number, 2.0 * number, GateChanged(gate="g")) for number in range(2)))),
}
_SEED = 2013


def placed(story: str, faults: Mapping[int, Fault], *, traced: bool = False) -> Outcome:
    """A story's run with these faults; everything else about it is always the same."""
    return play(STORIES[story], Placed(faults), Random(_SEED), traced=traced)


def singles(story: str) -> Iterator[dict[int, Fault]]:
    """Each fault at each operation of the undisturbed run."""
    for number in range(placed(story, {}).operations):
        for fault in Fault:
            yield {number: fault}


def pairs(story: str, first: Mapping[int, Fault]) -> Iterator[dict[int, Fault]]:
    """``first`` with each fault at each operation that comes after it in the run that it makes."""
    [place] = first
    for number in range(place + 1, placed(story, first).operations):
        for fault in Fault:
            yield {**first, number: fault}


def drawn_pairs(story: str, first: Mapping[int, Fault], most: int) -> list[dict[int, Fault]]:
    """At most so many of the `pairs` that begin with ``first``, always the same ones."""
    found = [*pairs(story, first)]
    return Random(str(first)).sample(found, min(most, len(found)))
