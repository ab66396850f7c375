"""Limits per key in the engine: places are taken with the claim, and given back with what ends it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.orders import OrderPlaced, order
from tidegate import Context, Reject
from tidegate.adapters.firestore_lanes import LANES, FirestoreLanes
from tidegate.engine import Engine
from tidegate.errors import DependencyCutOff, StoreUnavailable
from tidegate.inputs import Inbound
from tidegate.jobs import JobState, NewJob
from tidegate.messages import Outgoing
from tidegate.places import ROOT, Place
from tidegate.records import Fault, Status
from tidegate.reports import Report
from tidegate.testing import NOON, Mishap, World
from tidegate.verdicts import Verdict
from tidegate_ops.job_tree import FiledRecord, Relation, State, Unit, handling_of

pytestmark = pytest.mark.anyio

SINGLETON: dict[str, Any] = {"key": "data.order_id", "singleton": {}}
THROTTLE: dict[str, Any] = {"key": "data.order_id", "throttle": {"runs": 1, "seconds": 60}}
DEBOUNCE: dict[str, Any] = {"key": "data.order_id", "debounce": {"quiet_seconds": 5, "longest_seconds": 20}}


@pytest.fixture
def world() -> World:
    return World()


class Packing:
    """A handler that waits inside for as long as it is told.

    Attributes:
        order: the ids of the events that it was run for.
    """

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.order: list[str] = []
        self.inside = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    @property
    def function(self) -> Callable[..., Any]:
        async def pack(placed: OrderPlaced, ctx: Context) -> None:
            self.order.append(ctx.event.id)
            self.inside.set()
            ctx.batch.set(ctx.firestore.document(f"packed/{ctx.event.id}"), {"attempt": ctx.attempt})
            await self.go_on.wait()
            failure = self.failures.pop(0) if self.failures else None
            if failure:
                raise failure

        return pack


def lanes(world: World) -> list[dict[str, Any]]:
    return [each.fields for each in world.store.list(LANES)]


async def verdict(engine: Engine, event_id: str, **changes: Any) -> Verdict:
    return (await engine.deliver(order(event_id, **changes))).verdict


async def published(engine: Engine, event_id: str, seconds: float, **changes: Any) -> Report:
    """How the delivery of an event ends that was made and published so long after noon."""
    moment = NOON + timedelta(seconds=seconds)
    inbound = order(event_id, time=moment, **changes)
    return await engine.deliver(replace(inbound, message=replace(inbound.message, publish_time=moment)))


async def under_way(engine: Engine, packing: Packing, event_id: str) -> "asyncio.Task[Verdict]":
    """A delivery that is inside of its handler."""
    packing.inside.clear()
    packing.go_on.clear()
    task = asyncio.create_task(verdict(engine, event_id))
    await packing.inside.wait()
    return task


async def test_one_run_of_a_key_at_a_time(world: World) -> None:
    """Another event of the key waits at no cost of an attempt, one of another key does not; no lane is left over."""
    packing = Packing()
    engine = world.engine(packing.function, per_key=SINGLETON)
    first = await under_way(engine, packing, "a")
    report = await engine.deliver(order("b"))
    assert report.verdict is Verdict.BUSY
    assert report.reason.startswith("another event of its key is at work, at the longest until 2013-02-08T12:01:15")
    packing.go_on.set()
    assert await verdict(engine, "c", order_id="o-2") is Verdict.DONE
    assert await first is Verdict.DONE
    assert lanes(world) == []
    assert await verdict(engine, "b") is Verdict.DONE
    assert (packing.order, (await world.record("pack", "b")).attempt) == (["a", "c", "b"], 1)


@pytest.mark.parametrize(
    ("failure", "how"),
    [
        (ValueError("no box"), Verdict.RETRY),
        (Reject("never"), Verdict.DEAD),
        (DependencyCutOff("partner", "is down"), Verdict.BUSY),
    ],
    ids=["a failure", "a rejection", "a cut-off"],
)
async def test_the_place_is_given_back_however_a_run_ends(world: World, failure: Exception, how: Verdict) -> None:
    """The next event of the key runs at once."""
    packing = Packing(failure)
    engine = world.engine(packing.function, per_key=SINGLETON)
    assert await verdict(engine, "a") is how
    assert lanes(world) == []
    assert await verdict(engine, "b") is Verdict.DONE


async def test_a_place_is_free_when_its_lease_is_over(world: World) -> None:
    """The worker that died with it holds up its key until then; what is still at work cannot commit any more."""
    packing = Packing()
    engine = world.engine(packing.function, per_key=SINGLETON)
    slow = await under_way(engine, packing, "a")
    world.clock.advance(74)
    assert await verdict(engine, "b") is Verdict.BUSY
    world.clock.advance(1)
    other = await under_way(engine, packing, "b")
    held = lanes(world)
    packing.go_on.set()
    # The first one to go on is the one that was there first: it must not free the other's place.
    assert await slow is Verdict.BUSY
    assert lanes(world) in (held, [])
    assert await other is Verdict.DONE
    assert lanes(world) == []
    assert "packed/a" not in world.documents
    assert (await world.record("pack", "a")).status is Status.CLAIMED
    assert await verdict(engine, "a") is Verdict.DONE
    assert world.documents["packed/a"] == {"attempt": 2}


async def test_a_lost_place_is_not_freed(world: World) -> None:
    """Its commit is refused while the other is still at work."""
    packing, other = Packing(), Packing()
    engine = world.engine(packing.function, per_key=SINGLETON)
    slow = await under_way(engine, packing, "a")
    world.clock.advance(75)
    running = await under_way(world.engine(other.function, per_key=SINGLETON), other, "b")
    [held] = lanes(world)
    packing.go_on.set()
    assert await slow is Verdict.BUSY
    assert lanes(world) == [held]
    other.go_on.set()
    assert await running is Verdict.DONE


@pytest.mark.parametrize(
    "script",
    [[Mishap.FAILS_AFTER], [Mishap.LANDS_SILENTLY], [Mishap.LANDS_LATE], [Mishap.FAILS_BEFORE], [Mishap.SILENT]],
    ids=lambda script: script[0].name,
)
@pytest.mark.parametrize("before", [0, 1], ids=["claim", "commit"])
async def test_unclear_answers_keep_and_free_the_place(world: World, before: int, script: list[Mishap]) -> None:
    """The place is found again where the claim's answer was lost, and freed where the commit's was."""
    packing = Packing()
    engine = world.engine(packing.function, per_key=SINGLETON, io_seconds=0.02)
    world.ledger.script.extend([Mishap.NONE] * before + script)
    assert await verdict(engine, "a") is Verdict.DONE
    assert (packing.order, lanes(world)) == (["a"], [])


async def test_a_conflict_of_the_handlers_own_is_none_of_the_lane(world: World) -> None:
    """The handler runs again on fresh reads, with the place still its own."""
    tries = []

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        note = await ctx.firestore.document("notes/n").get()
        if not tries:
            await ctx.firestore.document("notes/n").set({"n": 0})
        tries.append(note.exists)
        option = ctx.firestore.write_option(last_update_time=note.update_time) if note.exists else None
        if option:
            ctx.batch.update(note.reference, {"n": 1}, option)
        else:
            ctx.batch.create(note.reference, {"n": 1})

    engine = world.engine(pack, per_key=SINGLETON)
    assert await verdict(engine, "a") is Verdict.DONE
    assert (tries, lanes(world)) == ([False, True], [])


async def test_a_finished_event_waits_for_no_turn(world: World) -> None:
    """A duplicate is recognised, whoever holds the lane, and whenever the next run may begin."""
    for limit, event_id in ((SINGLETON, "a"), (THROTTLE, "t"), (DEBOUNCE, "d")):
        world = World()
        packing = Packing()
        engine = world.engine(packing.function, per_key=limit)
        world.clock.advance(10)
        assert await verdict(engine, event_id) is Verdict.DONE
        if limit is SINGLETON:
            running = await under_way(engine, packing, "b")
        assert await verdict(engine, event_id) is Verdict.DUPLICATE
        packing.go_on.set()
        if limit is SINGLETON:
            assert await running is Verdict.DONE


async def test_unfit_events_take_no_place(world: World) -> None:
    """What never runs waits for nobody."""
    packing = Packing()
    engine = world.engine(packing.function, per_key=SINGLETON)
    running = await under_way(engine, packing, "a")
    assert await verdict(engine, "b", expires=NOON - timedelta(seconds=1)) is Verdict.SHED
    packing.go_on.set()
    assert await running is Verdict.DONE


async def test_a_throttled_key_waits_and_others_do_not(world: World) -> None:
    """What comes too early waits at no cost of an attempt; each run counts, a retry as well."""
    engine = world.engine(Packing(ValueError("no box")).function, per_key=THROTTLE)
    assert await verdict(engine, "a") is Verdict.RETRY
    report = await engine.deliver(order("a"))
    assert (report.verdict, report.reason) == (
        Verdict.BUSY,
        "the next run of its key may begin at 2013-02-08T12:01:00.000000Z",
    )
    assert await verdict(engine, "b") is Verdict.BUSY
    assert await verdict(engine, "c", order_id="o-2") is Verdict.DONE
    world.clock.advance(60)
    assert await verdict(engine, "b") is Verdict.DONE
    assert await verdict(engine, "a") is Verdict.BUSY
    world.clock.advance(60)
    assert await verdict(engine, "a") is Verdict.DONE
    assert (await world.record("pack", "a")).attempt == 2


async def test_two_instances_share_a_lane(world: World) -> None:
    """Of many that begin at once one does."""
    for limit in (SINGLETON, THROTTLE):
        world, packing = World(), Packing()
        engines = [world.engine(packing.function, per_key=limit) for _ in range(3)]
        first = await under_way(engines[0], packing, "a")
        others = [verdict(engine, f"b{number}") for number, engine in enumerate(engines)]
        assert await asyncio.gather(*others) == [Verdict.BUSY] * 3
        packing.go_on.set()
        assert await first is Verdict.DONE


async def test_the_latest_of_a_burst_runs_and_the_others_are_shed(world: World) -> None:
    """The others are on record with the one that superseded them, and no letter is written."""
    packing = Packing()
    engine = world.engine(packing.function, per_key=DEBOUNCE)
    assert (await published(engine, "a", 0)).verdict is Verdict.BUSY
    world.clock.advance(1)
    assert (await published(engine, "b", 1)).verdict is Verdict.BUSY
    report = await published(engine, "a", 0)
    assert (report.verdict, report.reason) == (Verdict.SHED, "superseded by b")
    record = await world.record("pack", "a")
    assert record.error is not None
    assert (record.status, record.error.fault) == (Status.FAILED, Fault.SUPERSEDED)
    world.clock.advance(5)
    assert (await published(engine, "b", 1)).verdict is Verdict.DONE
    assert packing.order == ["b"]
    assert world.publisher.published == []
    assert (await published(engine, "a", 0)).verdict is Verdict.DUPLICATE


async def test_what_has_begun_is_never_superseded(world: World) -> None:
    """A retry of an event goes on, whatever came after it meanwhile."""
    engine = world.engine(Packing(ValueError("no box")).function, per_key=DEBOUNCE)
    world.clock.advance(5)
    assert (await published(engine, "a", 0)).verdict is Verdict.RETRY
    assert (await published(engine, "b", 4)).verdict is Verdict.BUSY
    assert (await published(engine, "a", 0)).verdict is Verdict.DONE


async def test_what_an_operator_sent_back_runs_at_once(world: World) -> None:
    """It neither waits nor gives way, nor does anything give way to it."""
    engine = world.engine(Packing(Reject("no box")).function, per_key=DEBOUNCE)
    world.clock.advance(5)
    assert (await published(engine, "a", 0)).verdict is Verdict.DEAD
    assert (await published(engine, "b", 4)).verdict is Verdict.BUSY
    assert (await published(engine, "a", 4.5, redrive=1)).verdict is Verdict.DONE
    world.clock.advance(4)
    assert (await published(engine, "b", 4)).verdict is Verdict.DONE
    assert (await published(engine, "c", 3, redrive=1)).verdict is Verdict.DONE


async def test_whoever_registers_second_finds_the_first(world: World) -> None:
    """Two deliveries that find the lane alike cannot both write it."""
    engine = world.engine(Packing().function, per_key=DEBOUNCE)
    reports = await asyncio.gather(published(engine, "a", 0), published(engine, "b", 1))
    assert {each.verdict for each in reports} <= {Verdict.BUSY, Verdict.SHED}
    [lane] = lanes(world)
    assert lane["event_id"] == "b"
    assert (await published(engine, "a", 0)).verdict in (Verdict.SHED, Verdict.DUPLICATE)


async def test_a_superseded_unit_fails_no_job(world: World) -> None:
    """It settles, and the job succeeds when the other one has run."""
    place = Place("j", ROOT, 0, 2, ("pack",))
    message = Outgoing("order.placed", b"{}", {"ce-id": "event"})
    await world.ports.jobs.accept(NewJob("j", message, ("pack", "pack"), "", NOON, NOON))
    engine = world.engine(Packing().function, per_key=DEBOUNCE)

    async def unit(event_id: str, index: int) -> Verdict:
        moment = NOON + timedelta(seconds=index)
        message = order(event_id, time=moment).message
        attributes = {**message.attributes, **replace(place, first=index).attributes()}
        return (await engine.deliver(Inbound(replace(message, attributes=attributes, publish_time=moment)))).verdict

    assert [await unit("a", 0), await unit("b", 1), await unit("a", 0)] == [Verdict.BUSY, Verdict.BUSY, Verdict.SHED]
    world.clock.advance(6)
    assert await unit("b", 1) is Verdict.DONE
    job = await world.ports.jobs.read("j")
    assert job is not None
    assert (job.state, job.failures) == (JobState.SUCCEEDED, ())
    record = await world.record("pack", "a")
    kept = [FiledRecord(record, NOON)]
    handling = handling_of(Unit("pack", "a", "order.placed", Relation.SUBMITTED, keys=("a",)), kept, None, NOON)
    assert (handling.state, handling.reason) == (State.SUPERSEDED, "superseded by b")


async def test_an_unreadable_lane_stops_the_delivery(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not certain is not run."""

    async def read(self: FirestoreLanes, key: str) -> None:
        raise StoreUnavailable("away")

    packing = Packing()
    engine = world.engine(packing.function, per_key=THROTTLE)
    monkeypatch.setattr(FirestoreLanes, "read", read)
    assert await verdict(engine, "a") is Verdict.RETRY
    assert packing.order == []
