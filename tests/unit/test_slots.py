"""Slots: every write of a record is settled, whatever the ledger answers or does not."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from tidegate.errors import LeaseLost, StoreUnavailable, WriteRefused
from tidegate.records import Failure, Fault, Record, Status
from tidegate.slots import Contested, Slot, StateConflict
from tidegate.testing import NOON, Mishap, World

pytestmark = pytest.mark.anyio

CLAIM = Record(
    function="pack",
    event_id="event-1",
    status=Status.CLAIMED,
    owner="me",
    attempt=1,
    lease_until=NOON + timedelta(minutes=1),
    payload_hash="00",
    expire_at=NOON + timedelta(days=45),
)
DONE = replace(CLAIM, status=Status.DONE, result="1")
STEP = replace(CLAIM, steps={"book": "1"})


@pytest.fixture
def world() -> World:
    return World()


def slot_on(world: World) -> Slot:
    return Slot(world.ports, "pack.key", io_seconds=0.02)


async def standing(world: World) -> Record | None:
    stored = await world.ledger.ledger.read("pack.key")
    return stored.record if stored else None


async def test_writes_follow_one_another(world: World) -> None:
    """Each write is guarded by the one before, without reading in between."""
    slot = slot_on(world)
    for record in (CLAIM, STEP, replace(STEP, status=Status.DONE)):
        await slot.write(record)
        assert slot.record == await standing(world) == record
    assert (world.ledger.writes, world.ledger.reads) == (3, 0)


@pytest.mark.parametrize("before", [[], [CLAIM]], ids=["claim", "commit"])
@pytest.mark.parametrize(
    "script",
    [
        [Mishap.FAILS_BEFORE],
        [Mishap.FAILS_AFTER],
        [Mishap.SILENT],
        [Mishap.LANDS_SILENTLY],
        [Mishap.LANDS_LATE],
        [Mishap.CONFLICTS],
        [Mishap.FAILS_BEFORE, Mishap.SILENT, Mishap.LANDS_SILENTLY],
        [Mishap.LANDS_LATE, Mishap.FAILS_BEFORE],
    ],
    ids=lambda script: "-".join(each.name for each in script),
)
async def test_ambiguous_writes_are_settled(world: World, before: Iterable[Record], script: list[Mishap]) -> None:
    """Whether the call failed before or after the write, went unanswered or landed late: it stands once."""
    slot = slot_on(world)
    for record in before:
        await slot.write(record)
    world.ledger.script.extend(script)
    await slot.write(DONE)
    assert slot.record == await standing(world) == DONE
    await slot.write(replace(DONE, published=True))


async def test_no_clear_answer(world: World) -> None:
    """After several tries nobody knows, and that is said."""
    world.ledger.script.extend([Mishap.FAILS_BEFORE] * 4)
    with pytest.raises(StoreUnavailable, match="no clear answer in 4 tries"):
        await slot_on(world).write(CLAIM)
    assert world.ledger.writes == 4


async def test_an_unreadable_ledger_is_unavailable(world: World) -> None:
    """What cannot be settled by reading is not guessed."""
    world.ledger.script.append(Mishap.FAILS_AFTER)
    world.ledger.unreadable = 1
    with pytest.raises(StoreUnavailable):
        await slot_on(world).write(CLAIM)


async def test_a_refused_write_is_not_repeated(world: World) -> None:
    """What the store never takes is told at once."""
    world.ledger.script.append(Mishap.REFUSED)
    with pytest.raises(WriteRefused):
        await slot_on(world).write(CLAIM)
    assert world.ledger.writes == 1


@pytest.mark.parametrize("mishaps", [[], [Mishap.FAILS_BEFORE]], ids=["clear", "ambiguous"])
async def test_anothers_record_contests(world: World, mishaps: list[Mishap]) -> None:
    """A record of another owner is never overwritten, and the contest says what it is."""
    mine, other = slot_on(world), slot_on(world)
    theirs = replace(CLAIM, owner="other")
    await mine.write(CLAIM)
    stored = await world.ledger.read("pack.key")
    other.meet(stored)
    await other.write(theirs)
    world.ledger.script.extend(mishaps)
    with pytest.raises(Contested) as contest:
        await mine.write(DONE)
    assert contest.value.stored is not None
    assert contest.value.stored.record == await standing(world) == theirs


async def test_a_vanished_record_contests(world: World) -> None:
    """A record that somebody deleted is not made again behind its back."""
    slot = slot_on(world)
    await slot.write(CLAIM)
    await world.firestore.document("ledger/pack.key").delete()
    with pytest.raises(Contested) as contest:
        await slot.write(DONE)
    assert contest.value.stored is None


async def test_a_users_precondition_is_a_state_conflict(world: World) -> None:
    """A refusal by the handler's own batch leaves the record as it was, and all of it undone."""
    slot = slot_on(world)
    await slot.write(CLAIM)
    batch = world.firestore.batch()
    batch.set(world.firestore.document("stock/a"), {"n": 1})
    batch.update(world.firestore.document("stock/none"), {"n": 1})
    with pytest.raises(StateConflict):
        await slot.write(DONE, batch)
    assert (await standing(world), world.documents.get("stock/a")) == (CLAIM, None)
    await slot.write(DONE)


async def test_a_batch_lands_once(world: World) -> None:
    """A commit whose answer is lost is not repeated together with its batch."""
    slot = slot_on(world)
    await slot.write(CLAIM)
    batch = world.firestore.batch()
    batch.create(world.firestore.document("stock/a"), {"n": 1})
    world.ledger.script.append(Mishap.FAILS_AFTER)
    await slot.write(DONE, batch)
    assert (await standing(world), world.documents.get("stock/a")) == (DONE, {"n": 1})


@pytest.mark.parametrize(
    "conclusion",
    [DONE, replace(CLAIM, status=Status.RELEASED, error=Failure(Fault.TIMEOUT, "ran too long"))],
    ids=["done", "released"],
)
async def test_a_conclusion_keeps_an_unnoticed_step(world: World, conclusion: Record) -> None:
    """A step that was cancelled while it was recorded is ours: the conclusion stands on top of it."""
    slot = slot_on(world)
    await slot.write(CLAIM)
    landed = asyncio.Event()
    world.ledger.on_write = lambda _: landed.set()
    world.ledger.script.append(Mishap.LANDS_SILENTLY)
    step = asyncio.create_task(slot.write(STEP))
    await landed.wait()
    step.cancel()
    await asyncio.wait([step])
    await slot.write(conclusion)
    assert await standing(world) == replace(conclusion, steps=STEP.steps)


async def test_a_conclusion_waits_for_a_step_on_its_way(world: World) -> None:
    """Writes of one delivery never race: the conclusion keeps the step that is being recorded."""
    slot = slot_on(world)
    await slot.write(CLAIM)
    await asyncio.gather(slot.write(STEP), slot.write(DONE))
    assert slot.record == await standing(world) == replace(DONE, steps=STEP.steps)


async def test_a_step_never_overwrites_a_conclusion(world: World) -> None:
    """A step that its handler left behind comes too late, however close it is."""
    slot = slot_on(world)
    await slot.write(CLAIM)
    outcomes = await asyncio.gather(slot.write(DONE), slot.write(STEP), return_exceptions=True)
    assert [type(each) for each in outcomes] == [type(None), LeaseLost]
    assert slot.record == await standing(world) == DONE
