"""The governor at work: what it writes, what it does to subscriptions, and what happens when that fails half-way."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from tidegate.adapters.firestore_pauses import FirestorePauses
from tidegate.breakers import Circuit
from tidegate.controls import Controls, StoredPause
from tidegate.errors import StoreUnavailable, SubscriptionUnavailable
from tidegate.governing import Governor, Ungoverned
from tidegate.pauses import Hold, Pause, Push
from tidegate.testing import NOON, World
from tidegate.testing.clock import WorldClock
from tidegate.versions import Version

pytestmark = pytest.mark.anyio

GOVERNS = {"book_seats": ("partner", "maps"), "print_map": ("maps",)}
HOLD = Hold("ann", "maintenance", NOON)


def push_of(name: str) -> Push:
    return Push(f"https://{name}.example/", "push@p.example", attributes={"x-goog-version": "v1"})


class RecordedSubscriptions:
    """Subscriptions in memory: what was done to them, and who is called before it is."""

    def __init__(self) -> None:
        self.now: dict[str, Push | None] = {name: push_of(name) for name in ("book-seats", "print-map")}
        self.changes: list[str] = []
        self.before: Callable[[str], object] = lambda what: None

    async def read(self, name: str) -> Push | None:
        self.before(f"read {name}")
        if name not in self.now:
            raise SubscriptionUnavailable(f"subscription {name} does not exist")
        return self.now[name]

    async def attach(self, name: str, push: Push) -> None:
        await self._change("attach", name, push)

    async def detach(self, name: str) -> None:
        await self._change("detach", name, None)

    async def _change(self, verb: str, name: str, push: Push | None) -> None:
        self.before(f"{verb} {name}")
        self.now[name] = push
        self.changes.append(f"{verb} {name}")


class RecordedPauses:
    """The store of the pauses, with a counter of its calls, and somebody who is called before each write."""

    def __init__(self, pauses: FirestorePauses) -> None:
        self._pauses = pauses
        self.reads = self.writes = 0
        self.before_write: Callable[[], object] = lambda: None

    async def read(self, function: str) -> StoredPause | None:
        self.reads += 1
        return await self._pauses.read(function)

    async def write(self, function: str, pause: Pause, expected: Version | None) -> Version:
        self.writes += 1
        before, self.before_write = self.before_write, lambda: None
        if (task := before()) is not None:
            assert isinstance(task, asyncio.Task)
            await task
        return await self._pauses.write(function, pause, expected)


class Station:
    """Two functions, the circuits of what they depend on, and any number of governors."""

    def __init__(self) -> None:
        self.world = World()
        self.clock: WorldClock = self.world.clock
        self.subscriptions = RecordedSubscriptions()
        self.pauses = RecordedPauses(FirestorePauses(self.world.firestore, jitter=lambda: 0.0))

    def governor(self) -> Governor:
        controls = Controls(self.pauses, self.subscriptions)
        return Governor(controls, self.world.ports.circuits, clock=self.clock, jitter=lambda most: 0.0)

    async def review(self) -> dict[str, datetime]:
        return await self.governor().review(GOVERNS)

    async def open(self, dependency: str, seconds: float = 30, trips: int = 1) -> None:
        circuit = Circuit(trips, seconds, self.clock() + timedelta(seconds=seconds), "5 uses failed")
        await self._write(dependency, circuit)

    async def close(self, dependency: str) -> None:
        await self._write(dependency, Circuit())

    async def pause(self, function: str) -> Pause:
        stored = await FirestorePauses(self.world.firestore).read(function)
        return stored.pause if stored else Pause()

    async def _write(self, dependency: str, circuit: Circuit) -> None:
        circuits = self.world.ports.circuits
        before = await circuits.read(dependency)
        await circuits.write(dependency, circuit, before.version if before else None)

    @property
    def detached(self) -> set[str]:
        return {name for name, push in self.subscriptions.now.items() if push is None}


@pytest.fixture
def station() -> Station:
    return Station()


@pytest.fixture
def clock(station: Station) -> WorldClock:
    return station.clock


async def test_all_that_need_what_is_cut_off_are_paused_and_resumed(station: Station, clock: WorldClock) -> None:
    """From the opening to the end of the cool-down, when it is looked at again; exactly as they were."""
    before = dict(station.subscriptions.now)
    await station.open("maps", 30)
    assert await station.review() == {"maps": NOON + timedelta(seconds=31)}
    assert station.detached == {"book-seats", "print-map"}
    pause = await station.pause("print_map")
    assert pause.cut_off is not None
    assert (pause.cut_off.dependency, pause.cut_off.reason) == ("maps", "5 uses failed")
    clock.advance(31)
    assert await station.review() == {}
    assert station.subscriptions.now == before
    assert await station.pause("print_map") == Pause(push=before["print-map"])


async def test_others_are_left_alone(station: Station) -> None:
    """What does not depend on it is not even asked about."""
    asked: list[str] = []
    station.subscriptions.before = asked.append
    await station.open("partner")
    await station.review()
    assert station.detached == {"book-seats"}
    assert all("book-seats" in each for each in asked)


async def test_a_review_that_finds_nothing_costs_a_read_for_each(station: Station) -> None:
    """Nothing is written, and no subscription is asked."""
    station.subscriptions.before = lambda what: pytest.fail(what)
    assert await station.review() == {}
    assert (station.pauses.reads, station.pauses.writes) == (2, 0)


async def test_repeating_a_review_changes_nothing(station: Station, clock: WorldClock) -> None:
    """While it stays cut off it is neither written nor detached again, and looked at again once."""
    await station.open("partner", 300)
    assert await station.review() == {"partner": NOON + timedelta(seconds=301)}
    writes, changes = station.pauses.writes, list(station.subscriptions.changes)
    for _ in range(3):
        clock.advance(60)
        assert await station.review() == {}
    assert (station.pauses.writes, station.subscriptions.changes) == (writes, changes)


async def test_an_interrupted_review_is_made_good(station: Station) -> None:
    """A later attempt orders every awakening that the one before it may have owed."""
    await station.open("partner", 300)
    await station.review()
    assert (await station.governor().review(GOVERNS, every_end=True)).keys() == {"partner"}


async def test_a_probe_that_fails_pauses_it_again(station: Station, clock: WorldClock) -> None:
    """For the new cool-down, which is another reason than the one before it."""
    await station.open("partner", 30)
    await station.review()
    clock.advance(31)
    await station.review()
    await station.open("partner", 60, trips=2)
    assert await station.review() == {"partner": clock() + timedelta(seconds=61)}
    assert station.subscriptions.changes == ["detach book-seats", "attach book-seats", "detach book-seats"]


async def test_a_probe_that_is_answered_leaves_it_on(station: Station, clock: WorldClock) -> None:
    """The circuit is closed, and nothing is left of the machine's reason."""
    await station.open("partner", 30)
    await station.review()
    clock.advance(31)
    await station.close("partner")
    await station.review()
    assert station.detached == set()
    assert not (await station.pause("book_seats")).is_on


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("seconds", [0, 31])
async def test_whoever_stops_half_way_is_followed(
    station: Station, clock: WorldClock, seconds: float, place: int
) -> None:
    """A governor that ends before any of its calls leaves nothing that the next review does not mend."""
    await station.open("partner", 30)
    if seconds:
        await station.review()
        clock.advance(seconds)
    left = place

    def end(what: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise asyncio.CancelledError

    station.subscriptions.before = end
    with suppress(asyncio.CancelledError):
        await station.review()
    station.subscriptions.before = lambda what: None
    await station.review()
    assert station.detached == (set() if seconds else {"book-seats"})


async def test_what_a_deployment_put_back_is_taken_off_again(station: Station, clock: WorldClock) -> None:
    """And what it put there is what comes back at the end."""
    await station.open("partner", 300)
    await station.review()
    redeployed = station.subscriptions.now["book-seats"] = Push("https://new.example/")
    await station.review()
    assert station.detached == {"book-seats"}
    clock.advance(301)
    await station.review()
    assert station.subscriptions.now["book-seats"] == redeployed


async def test_what_a_late_call_took_off_is_put_back(station: Station, clock: WorldClock) -> None:
    """A detachment of long ago that takes effect after the end lasts until the next review."""
    await station.open("partner", 30)
    await station.review()
    clock.advance(31)
    await station.review()
    await station.subscriptions.detach("book-seats")
    await station.review()
    assert station.detached == set()


async def test_the_machine_never_undoes_an_operator(station: Station, clock: WorldClock) -> None:
    """A function that somebody holds stays paused when its dependency recovers."""
    await station.governor().hold("book_seats", HOLD)
    await station.open("partner", 30)
    await station.review()
    clock.advance(31)
    await station.review()
    assert station.detached == {"book-seats"}
    assert (await station.pause("book_seats")).hold == HOLD
    await station.governor().release("book_seats", GOVERNS["book_seats"])
    assert station.detached == set()


async def test_an_operator_never_undoes_the_machine(station: Station) -> None:
    """A function that is released while it is cut off stays paused, and says why."""
    await station.open("partner", 30)
    await station.governor().hold("book_seats", HOLD)
    pause = await station.governor().release("book_seats", GOVERNS["book_seats"])
    assert pause.cut_off is not None
    assert pause.cut_off.dependency == "partner"
    assert station.detached == {"book-seats"}


async def test_a_release_makes_good_for_a_governor_that_is_away(station: Station, clock: WorldClock) -> None:
    """A cut-off that is over keeps nothing paused."""
    await station.open("partner", 30)
    await station.review()
    clock.advance(31)
    await station.governor().release("book_seats", GOVERNS["book_seats"])
    assert station.detached == set()


async def test_what_changes_between_reading_and_writing_is_followed(station: Station) -> None:
    """A hold that comes in between stays, and so does the cut-off that was about to be written."""
    await station.open("partner", 30)
    station.pauses.before_write = lambda: asyncio.create_task(station.governor().hold("book_seats", HOLD))
    await station.review()
    pause = await station.pause("book_seats")
    assert pause.hold == HOLD
    assert pause.cut_off is not None
    assert station.detached == {"book-seats"}


async def test_what_changes_between_writing_and_doing_is_followed(station: Station) -> None:
    """Somebody releases it just before it is detached: it ends as the last one wanted it."""
    released: list[asyncio.Task[Pause]] = []
    apply = station.subscriptions.detach

    async def detach(name: str) -> None:
        if not released:
            released.append(asyncio.create_task(station.governor().release("book_seats", ())))
            await released[0]
        await apply(name)

    station.subscriptions.detach = detach  # type: ignore[method-assign]
    pause = await station.governor().hold("book_seats", HOLD)
    assert not pause.is_on
    assert station.detached == set()


async def test_many_at_once_agree(station: Station, clock: WorldClock) -> None:
    """Governors and operators that all act at the same time leave what is wanted and what is the same."""
    await station.open("maps", 30)
    await asyncio.gather(*(station.review() for _ in range(5)), station.governor().hold("print_map", HOLD))
    assert station.detached == {"book-seats", "print-map"}
    clock.advance(31)
    await asyncio.gather(*(station.review() for _ in range(5)))
    assert station.detached == {"print-map"}


async def test_one_that_fails_does_not_keep_the_others(station: Station) -> None:
    """The rest is reviewed, and the error names the one."""
    del station.subscriptions.now["book-seats"]
    await station.open("maps")
    with pytest.raises(Ungoverned, match="book_seats: subscription book-seats does not exist"):
        await station.review()
    assert station.detached == {"print-map"}


async def test_a_tug_of_war_ends(station: Station) -> None:
    """Where something puts the push back at once, the governor gives up with a word for people."""
    apply = station.subscriptions.detach

    async def undone(name: str) -> None:
        await apply(name)
        station.subscriptions.now[name] = push_of(name)

    station.subscriptions.detach = undone  # type: ignore[method-assign]
    with pytest.raises(SubscriptionUnavailable, match="does not stay as it is made"):
        await station.governor().hold("book_seats", HOLD)


async def test_a_store_that_is_away_is_said(station: Station) -> None:
    """A review without the circuits would resume what is cut off."""
    await station.open("partner")
    await station.review()

    async def away(dependency: str) -> None:
        raise StoreUnavailable("the store is away")

    station.world.ports.circuits.read = away  # type: ignore[method-assign, assignment]
    with pytest.raises(StoreUnavailable):
        await station.review()
    assert station.detached == {"book-seats"}
