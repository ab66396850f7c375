"""Every placement of one and of two faults over a small pipeline, none left out; over small jobs and limits, too."""

import re
from collections.abc import Iterator, Mapping
from random import Random

from tests.simulation.faults import Fault, Placed
from tests.simulation.gate_scenario import Change, GateScenario
from tests.simulation.gates import GateChanged
from tests.simulation.outage_scenario import Holding, Manner, Outage, OutageScenario
from tests.simulation.scenario import Scenario
from tests.simulation.schedule import Outcome, Story, flights, gates, outages, play, trips
from tests.simulation.trip_scenario import Submission, TripScenario
from tests.simulation.trips import Leg, TripPlanned


def _job(form: str, kind: str) -> Story:
    trip = TripPlanned(trip="t", form=form, legs=(Leg(trip="t", number=0, kind=kind),))
    return trips(TripScenario((Submission(0, trip, callback=True),)))


_FLIGHTS, _OUTAGES = (0, 0, 0, 5), (Outage(0, 25, Manner.REFUSES),)
STORIES: Mapping[str, Story] = {
    # One cancelled flight: split, assessed without a claim, counted by a batch, rebooked in a step.
    "flight": flights(Scenario((("cancelled",),))),
    # A leg in a gathering, booked for two functions, then what follows the gathering; the callback.
    "job": _job("gathered", "fine"),
    # A leg that is rejected, its compensation, the callback; at the end the letter is redriven.
    "failing-job": _job("plain", "full"),
    # The breaker opens, the governor pauses, and resumes in vain, and again with success.
    "outage": outages(OutageScenario(_FLIGHTS, _OUTAGES)),
    # The longest cool-down is reached, several times.
    "long-outage": outages(OutageScenario((0,) * 8, (Outage(0, 3600, Manner.FAILS),))),
    # An operator pauses it in the very moment in which the governor does.
    "held-outage": outages(OutageScenario(_FLIGHTS, _OUTAGES, Holding(1.6, 700))),
    # Two changes of one gate: the second waits for its place, and supersedes the first.
    "gates": gates(GateScenario(tuple(Change(number, 2.0 * number, GateChanged(gate="g")) for number in range(2)))),
}
_SEED = 2013
_GOVERNORS = re.compile(r" *([\d.]+)  #(\d+) (?:governor/\d+: |broker: push to governor|.* governor\.woken)")
_CALM_SECONDS = 65.0


def placed(story: str, faults: Mapping[int, Fault], *, traced: bool = False) -> Outcome:
    """A story's run with these faults; everything else about it is always the same."""
    return play(STORIES[story], Placed(faults), Random(_SEED), traced=traced)


def held(start: float) -> Outcome:
    """The run of an outage in which an operator pauses the function at this moment."""
    scenario = OutageScenario(_FLIGHTS, _OUTAGES, Holding(start, start + 700))
    return play(outages(scenario), Placed({}), Random(_SEED))


def singles(story: str) -> Iterator[dict[int, Fault]]:
    """Each fault at each operation of the undisturbed run."""
    for number, mortal in enumerate(placed(story, {}).operations):
        for fault in _faults(mortal):
            yield {number: fault}


def governors(story: str) -> Iterator[dict[int, Fault]]:
    """Each fault at each operation of the governor in the undisturbed run, up to the first sweep after the outage."""
    for line in placed(story, {}, traced=True).trace:
        if (found := _GOVERNORS.match(line)) and float(found[1]) < _CALM_SECONDS:
            for fault in Fault:
                yield {int(found[2]): fault}


def pairs(story: str, first: Mapping[int, Fault]) -> Iterator[dict[int, Fault]]:
    """``first`` with each fault at each operation that comes after it in the run that it makes."""
    [place] = first
    for number, mortal in enumerate(placed(story, first).operations):
        if number > place:
            for fault in _faults(mortal):
                yield {**first, number: fault}


def drawn_pairs(story: str, first: Mapping[int, Fault], most: int) -> list[dict[int, Fault]]:
    """At most so many of the `pairs` that begin with ``first``, always the same ones."""
    found = [*pairs(story, first)]
    return Random(str(first)).sample(found, min(most, len(found)))


def _faults(mortal: bool) -> Iterator[Fault]:
    """Those that differ: whoever cannot die only gets the failure, which is placed as well."""
    return (fault for fault in Fault if mortal or not fault.deadly)
