"""An application at a glance."""

from dataclasses import replace

import pytest

from tests.unit.test_pausing import TOPOLOGY, Desk
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.breakers import Phase
from tidegate.testing import NOON
from tidegate_ops.backlogs import Backlog
from tidegate_ops.dead_letter_file import DeadLetterFile
from tidegate_ops.insight.overview import Overlook
from tidegate_ops.insight.traffic import FunctionTraffic, Traffic, TrafficSource
from tidegate_ops.insight.untold import UntoldTraffic

pytestmark = pytest.mark.anyio
TRAFFIC = Traffic(NOON, 300, 60, {"rebook": FunctionTraffic(backlog=7), "post": FunctionTraffic()}, {})


class Told:
    """Knows the traffic."""

    async def look(self) -> Traffic:
        return TRAFFIC


def overlook(desk: Desk, traffic: TrafficSource) -> Overlook:
    firestore = desk.world.firestore
    jobs, letters = FirestoreJobs(firestore), DeadLetterFile(firestore, TOPOLOGY)
    return Overlook(TOPOLOGY, traffic, desk.pausing, desk.world.ports.circuits, letters, jobs, desk.world.clock)


async def file_letter(desk: Desk, name: str, function: str, state: str) -> None:
    await desk.world.firestore.collection("dead_letters").document(name).set({"function": function, "state": state})


async def test_all_of_it() -> None:
    """Who is paused and what waits, what failed, what is cut off."""
    desk = Desk(sees_running=False)
    await desk.pausing.pause("rebook", "ann", "why")
    await desk.cut_off()
    for number, (function, state) in enumerate([("post", "open"), ("post", "dropped"), ("gone", "open")]):
        await file_letter(desk, str(number), function, state)
    found = await overlook(desk, Told()).look()
    assert found.standings["rebook"].pause.is_on
    assert found.standings["rebook"].backlog == Backlog(7, False, None, NOON)
    assert (found.standings["post"].pause.is_on, found.standings["post"].backlog) == (False, None)
    assert found.traffic == TRAFFIC
    assert found.breakers == {"partner": Phase.OPEN}
    assert found.letters == {"post": 1, "": 1}
    assert found.troubles == ()
    assert not desk.looks  # a look counts as a delivery there


async def test_what_cannot_be_read_is_said() -> None:
    """And hides nothing else; where looking costs nothing, backlogs are asked for."""
    desk = Desk()
    lost = TOPOLOGY.functions["post"].model_copy(update={"topic": "lost"})
    topology = TOPOLOGY.model_copy(update={"functions": {**TOPOLOGY.functions, "lost": lost}})
    found = await replace(overlook(desk, UntoldTraffic("nobody knows")), topology=topology).look()
    assert found.traffic is None
    assert set(found.standings) == {"rebook", "post"}
    assert found.standings["post"].backlog is not None
    assert "nobody knows" in found.troubles
    assert len(found.troubles) == 2
