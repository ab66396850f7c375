"""What an operator does to functions: pause, resume, drain, look."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from tidegate.adapters.firestore_pauses import FirestorePauses
from tidegate.adapters.memory_broker import MemoryBroker
from tidegate.adapters.memory_subscriptions import MemorySubscriptions
from tidegate.breakers import Circuit
from tidegate.controls import Controls
from tidegate.errors import ConfigurationError
from tidegate.testing import NOON, World
from tidegate.topology import Topology
from tidegate_ops.backlogs import Backlog
from tidegate_ops.embedded_application import subscription
from tidegate_ops.pausing import NotDrained, Pausing

pytestmark = pytest.mark.anyio

TOPOLOGY = Topology.model_validate(
    {
        "application": "desk",
        "topics": {"flight.cancelled": {}},
        "functions": {
            "rebook": {"topic": "flight.cancelled", "dependencies": ["partner"]},
            "post": {"topic": "flight.cancelled"},
        },
        "dependencies": {"partner": {"url": "https://partner.example"}},
    }
)


@dataclass
class Desk:
    """Two functions; ``backlog`` tells what waits, and of whom only if it ``sees_running`` ones."""

    sees_running: bool = True
    backlog: Callable[[datetime], Backlog | None] = lambda now: Backlog(0, False, None, now)
    looks: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World()
        self.broker = MemoryBroker(["flight.cancelled", "dead.letters"], clock=self.world.clock)

        async def push(headers: Mapping[str, str], body: bytes) -> int:
            return 200

        for name in TOPOLOGY.functions:
            self.broker.subscribe(subscription(TOPOLOGY, name, push))
        controls = Controls(FirestorePauses(self.world.firestore), MemorySubscriptions(self.broker))
        self.pausing = Pausing(
            TOPOLOGY, controls, self.world.ports.circuits, self, clock=self.world.clock, sleep=self.sleep
        )

    async def sleep(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    async def look(self, functions: Collection[str]) -> Mapping[str, Backlog]:
        self.looks.append(self.broker.is_paused("rebook"))
        found = self.backlog(self.world.clock())
        return dict.fromkeys(functions, found) if found else {}

    async def cut_off(self) -> None:
        circuit = Circuit(1, 30, self.world.clock() + timedelta(seconds=30), "5 uses failed")
        await self.world.ports.circuits.write("partner", circuit, None)


async def test_a_function_is_paused_and_resumed() -> None:
    """At once, with who did it and why; the others run."""
    desk = Desk()
    standing = await desk.pausing.pause("rebook", "ann", "maintenance")
    assert standing.pause.hold is not None
    assert (standing.pause.hold.by, standing.pause.hold.reason, standing.pushes) == ("ann", "maintenance", False)
    assert [each.pushes for each in await desk.pausing.look_at_all()] == [True, False]
    standing = await desk.pausing.resume("rebook")
    assert (standing.pause.is_on, standing.pushes) == (False, True)


async def test_an_unknown_function_is_not_paused() -> None:
    """A name that is close is offered."""
    with pytest.raises(ConfigurationError, match="did you mean rebook"):
        await Desk().pausing.pause("rebok", "ann", "")


async def test_a_resumed_function_may_stay_cut_off() -> None:
    """The operator's reason is gone, the machine's is there, even where the governor was not."""
    desk = Desk()
    await desk.pausing.pause("rebook", "ann", "")
    await desk.cut_off()
    standing = await desk.pausing.resume("rebook")
    assert standing.pause.hold is None
    assert standing.pause.cut_off is not None
    assert not standing.pushes


async def test_backlogs_are_asked_for_where_they_can_be_told() -> None:
    """On an emulator of paused functions alone."""
    for sees_running, functions in ((True, ["post", "rebook"]), (False, ["rebook"])):
        desk = Desk(sees_running=sees_running)
        await desk.pausing.pause("rebook", "ann", "")
        assert desk.pausing.countable(await desk.pausing.look_at_all()) == functions


@pytest.mark.parametrize("sees_running", [True, False])
async def test_a_drained_function_is_paused(sees_running: bool) -> None:
    """It runs until what waited at the beginning is gone; only where one has to is it paused to look."""
    desk = Desk(sees_running=sees_running)
    desk.backlog = lambda now: Backlog(3, False, NOON - timedelta(seconds=5 - len(desk.looks)), now)
    standing = await desk.pausing.drain("rebook", "ann", "migration", 600)
    assert standing.pause.hold is not None
    assert not standing.pushes
    assert desk.looks == [not sees_running] * 6


async def test_a_held_function_is_resumed_to_be_drained() -> None:
    """What waits for it is worked off first."""
    desk = Desk()
    await desk.pausing.pause("rebook", "bob", "")
    standing = await desk.pausing.drain("rebook", "ann", "", 600)
    assert desk.looks == [False]
    assert standing.pause.hold is not None
    assert standing.pause.hold.by == "ann"


async def test_an_old_sample_proves_nothing() -> None:
    """That nothing waited before it began says nothing about now; nor does the lack of any sample."""
    desk = Desk()
    samples = [Backlog(0, False, None, NOON - timedelta(minutes=2)), None, Backlog(0, False, None, NOON)]
    desk.backlog = lambda now: samples[min(len(desk.looks), 3) - 1]
    await desk.pausing.drain("rebook", "ann", "", 600)
    assert len(desk.looks) == 3


@pytest.mark.parametrize("sees_running", [True, False])
async def test_draining_gives_up(sees_running: bool) -> None:
    """After the time given it is not paused, and says so."""
    desk = Desk(sees_running, lambda now: Backlog(3, False, NOON, now))
    with pytest.raises(NotDrained, match="within 60 s: it runs on"):
        await desk.pausing.drain("rebook", "ann", "", 60)
    assert (await desk.pausing.look("rebook")).pushes


async def test_what_is_cut_off_cannot_be_drained() -> None:
    """And who holds it goes on holding it."""
    desk = Desk()
    await desk.cut_off()
    await desk.pausing.resume("rebook")
    await desk.pausing.pause("rebook", "bob", "")
    with pytest.raises(NotDrained, match="while partner is cut off"):
        await desk.pausing.drain("rebook", "ann", "", 60)
    hold = (await desk.pausing.look("rebook")).pause.hold
    assert hold is not None
    assert hold.by == "bob"
