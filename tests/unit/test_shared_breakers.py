"""Breakers of several instances, which share what they know."""

import asyncio
import dataclasses
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest

from tidegate.breakers import Circuit
from tidegate.dependency_limits import Breaker
from tidegate.errors import DependencyCutOff, PublishFailed, Reject, StoreUnavailable
from tidegate.messages import Outgoing
from tidegate.ports import Circuits, StoredCircuit
from tidegate.shared_breakers import SharedBreaker
from tidegate.testing import World
from tidegate.testing.clock import WorldClock
from tidegate.versions import Version

pytestmark = pytest.mark.anyio

LIMITS = Breaker(failures=3, window_seconds=60, cool_down_seconds=30, longest_cool_down_seconds=100)


class CountedCircuits:
    """The store, with counters, and a switch that makes it fail."""

    def __init__(self, circuits: Circuits) -> None:
        self._circuits = circuits
        self.reads = 0
        self.writes: list[Circuit] = []
        self.away = False

    async def read(self, dependency: str) -> StoredCircuit | None:
        self.reads += 1
        self._answer()
        return await self._circuits.read(dependency)

    async def write(self, dependency: str, circuit: Circuit, expected: Version | None) -> Version:
        self._answer()
        await asyncio.sleep(0)
        version = await self._circuits.write(dependency, circuit, expected)
        self.writes.append(circuit)
        return version

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("the store is away")


class Partner:
    """One outside service, used by any number of instances."""

    def __init__(self) -> None:
        self.world = World()
        self.clock = self.world.clock
        self.circuits = CountedCircuits(self.world.ports.circuits)

    def instance(self, *, skew_seconds: float = 0) -> SharedBreaker:
        skew = timedelta(seconds=skew_seconds)
        ports = dataclasses.replace(self.world.ports, circuits=self.circuits, clock=lambda: self.clock() + skew)
        return SharedBreaker("api", LIMITS, ports)


@pytest.fixture
def partner() -> Partner:
    return Partner()


@pytest.fixture
def clock(partner: Partner) -> WorldClock:
    return partner.clock


async def use(breaker: SharedBreaker, error: Exception | None = None) -> None:
    """Use the dependency once; what the use ends with is passed over, but not that it may not begin."""
    with suppress(*([type(error)] if error else [])):
        async with breaker.watch():
            if error:
                raise error


async def trip(breaker: SharedBreaker) -> None:
    for _ in range(LIMITS.failures):
        await use(breaker, ConnectionError("refused"))


async def test_all_instances_are_cut_off(partner: Partner, clock: WorldClock) -> None:
    """What one has found holds for another that has seen no failure, once it reads again."""
    one, other = partner.instance(), partner.instance()
    await use(other)
    await trip(one)
    with pytest.raises(DependencyCutOff) as caught:
        await use(one)
    assert caught.value.dependency == "api"
    assert str(caught.value) == (
        "api is cut off until 12:00:30 UTC (3 uses in a row failed, the last with ConnectionError: refused)"
    )
    await use(other)
    clock.advance(5)
    with pytest.raises(DependencyCutOff):
        await use(other)


async def test_the_store_is_left_in_peace(partner: Partner, clock: WorldClock) -> None:
    """A reading serves for five seconds, and nothing is written while nothing changes."""
    breaker = partner.instance()
    for _ in range(10):
        await asyncio.gather(*(use(breaker, Reject("no seats")) for _ in range(10)))
        clock.advance(1)
    assert (partner.circuits.reads, partner.circuits.writes) == (2, [])


async def test_many_that_open_it_at_once_write_once(partner: Partner) -> None:
    """The first write stands, and all go by it."""
    instances = [partner.instance() for _ in range(8)]
    await asyncio.gather(*map(trip, instances))
    assert len(partner.circuits.writes) == 1
    for each in instances:
        with pytest.raises(DependencyCutOff):
            await use(each)


async def test_one_probe_closes_it_for_all(partner: Partner, clock: WorldClock) -> None:
    """Opening and closing are one write each."""
    one, other = partner.instance(), partner.instance()
    await trip(one)
    clock.advance(30)
    await use(one)
    clock.advance(5)
    await use(other)
    await use(other)
    assert [each.is_open for each in partner.circuits.writes] == [True, False]
    assert one.is_well
    assert other.is_well


async def test_an_answer_with_bad_news_closes_it_too(partner: Partner, clock: WorldClock) -> None:
    """A partner that refuses a booking works."""
    breaker = partner.instance()
    await trip(breaker)
    clock.advance(30)
    await use(breaker, Reject("no seats"))
    assert breaker.is_well


async def test_a_failed_probe_cuts_off_for_longer(partner: Partner, clock: WorldClock) -> None:
    """Also for those who did not probe."""
    one, other = partner.instance(), partner.instance()
    await trip(one)
    clock.advance(30)
    await use(one, TimeoutError())
    clock.advance(35)
    for each in (one, other):
        with pytest.raises(DependencyCutOff, match="a probe failed with TimeoutError"):
            await use(each)
    clock.advance(25)
    await use(other)
    assert [each.cool_down_seconds for each in partner.circuits.writes] == [30, 60, 0]


async def test_the_first_news_of_two_probes_is_right(partner: Partner, clock: WorldClock) -> None:
    """Who comes second goes by what the first has written, at once."""
    one, other = partner.instance(), partner.instance()
    await trip(one)
    clock.advance(30)
    async with one.watch():
        await use(other, TimeoutError())
    with pytest.raises(DependencyCutOff, match="a probe failed with TimeoutError"):
        await use(one)
    assert [each.trips for each in partner.circuits.writes] == [1, 2]


async def test_a_clock_that_is_set_back_keeps_nobody_uninformed(partner: Partner, clock: WorldClock) -> None:
    """What is known of the time before is not trusted for long."""
    one, other = partner.instance(), partner.instance()
    await use(other)
    clock.advance(-3600)
    await trip(one)
    with pytest.raises(DependencyCutOff):
        await use(other)


async def test_a_probe_keeps_others_out(partner: Partner, clock: WorldClock) -> None:
    """While it is under way, and when it was cancelled, the next may try."""
    breaker = partner.instance()
    await trip(breaker)
    clock.advance(30)
    inside = asyncio.Event()

    async def probe() -> None:
        async with breaker.watch():
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(probe())
    await inside.wait()
    with pytest.raises(DependencyCutOff, match=r"api is being probed \(3 uses in a row failed"):
        await use(breaker)
    task.cancel()
    await asyncio.wait({task})
    await use(breaker)
    assert breaker.is_well


@pytest.mark.parametrize("skew", [-7200, 7200])
async def test_clocks_may_differ(partner: Partner, clock: WorldClock, skew: float) -> None:
    """An instance whose clock is hours off is cut off as long as all others."""
    await trip(partner.instance(skew_seconds=skew))
    clock.advance(10)
    late = partner.instance()
    with pytest.raises(DependencyCutOff):
        await use(late)
    clock.advance(19.9)
    with pytest.raises(DependencyCutOff):
        await use(late)
    clock.advance(0.1)
    await use(late)


async def test_without_the_store_each_goes_by_itself(partner: Partner, clock: WorldClock) -> None:
    """Nothing is stopped, what was found is kept, and told when the store is back."""
    breaker = partner.instance()
    partner.circuits.away = True
    await trip(breaker)
    clock.advance(5)
    with pytest.raises(DependencyCutOff):
        await use(breaker)
    partner.circuits.away = False
    clock.advance(5)
    with pytest.raises(DependencyCutOff):
        await use(breaker)
    assert [each.trips for each in partner.circuits.writes] == [1]


async def test_who_closes_it_by_hand_is_obeyed(partner: Partner, clock: WorldClock) -> None:
    """A circuit that somebody wrote counts, as soon as it is read."""
    breaker = partner.instance()
    await trip(breaker)
    stored = await partner.circuits.read("api")
    assert stored is not None
    await partner.circuits.write("api", Circuit(), stored.version)
    clock.advance(5)
    await use(breaker)
    assert breaker.is_well


async def test_who_opens_it_wakes_the_governor(partner: Partner, clock: WorldClock) -> None:
    """One event for each opening, whoever finds out, and none for a closing."""
    instances = [partner.instance() for _ in range(8)]
    await asyncio.gather(*map(trip, instances))
    [woken] = partner.world.publisher.published
    assert (woken.topic, json.loads(woken.data)) == ("governor.woken", {"cause": "api is cut off"})
    clock.advance(30)
    await use(instances[0], TimeoutError())
    clock.advance(60)
    await use(instances[0])
    assert instances[0].is_well
    assert len(set(partner.world.publisher.ids("governor.woken"))) == 2


async def test_an_opening_that_is_told_late_wakes_it_then(partner: Partner, clock: WorldClock) -> None:
    """Before it stands in the store, the governor would find nothing."""
    breaker = partner.instance()
    partner.circuits.away = True
    await trip(breaker)
    assert partner.world.publisher.published == []
    partner.circuits.away = False
    clock.advance(5)
    with pytest.raises(DependencyCutOff):
        await use(breaker)
    assert len(partner.world.publisher.published) == 1


async def test_a_governor_that_cannot_be_woken_stops_nothing(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a broker that fails nor one that never answers; the circuit is open all the same."""
    monkeypatch.setattr("tidegate.shared_breakers._WAKING_SECONDS", 0.01)

    async def silent(messages: Sequence[Outgoing]) -> None:
        await asyncio.Event().wait()

    async def away(messages: Sequence[Outgoing]) -> None:
        raise PublishFailed("topic governor.woken does not exist")

    for number, publish in enumerate((silent, away)):
        monkeypatch.setattr(partner.world.publisher, "publish", publish)
        api = f"api-{number}"
        await trip(SharedBreaker(api, LIMITS, partner.world.ports))
        stored = await partner.circuits.read(api)
        assert stored is not None
        assert stored.circuit.is_open
