"""Units of a job that are the same work: the record belongs to whichever claimed it last."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from tests.orders import OrderPlaced, order
from tidegate import Context, Reject
from tidegate.dead_letters import DeadLetter
from tidegate.inputs import Inbound
from tidegate.jobs import JobState, NewJob
from tidegate.messages import Message, Outgoing
from tidegate.places import ROOT, Place
from tidegate.ports import Stored
from tidegate.records import Failure, Fault
from tidegate.testing import NOON, World
from tidegate.testing.delivery import TRACE, arriving
from tidegate.verdicts import Verdict

pytestmark = pytest.mark.anyio

KEY = "data.order_id"


@pytest.fixture
async def world() -> World:
    """A world with the job ``j``, which waits for three units of ``pack``."""
    world = World()
    submitted = Outgoing("order.placed", b"{}", {"ce-id": "event"})
    await world.ports.jobs.accept(NewJob("j", submitted, ("pack",) * 3, "", NOON, NOON))
    return world


def unit(event_id: str, index: int, *, redrive: int = 0) -> Inbound:
    """An order that is a unit of the job; all of them are the same work."""
    message = order(event_id, redrive=redrive).message
    return Inbound(
        replace(message, attributes={**message.attributes, **Place("j", ROOT, index, 3, ("pack",)).attributes()})
    )


def overtaken(world: World, monkeypatch: pytest.MonkeyPatch, by: Callable[[], Awaitable[None]]) -> None:
    """Let something happen after the next delivery has read its record, and before it does anything about it."""
    read, left = world.ledger.read, [by]

    async def slowly(key: str) -> Stored | None:
        found = await read(key)
        if key.startswith("pack.") and left:
            await left.pop()()
        return found

    monkeypatch.setattr(world.ledger, "read", slowly)


async def settled(world: World) -> tuple[int, list[str]]:
    """How many units have settled, and the events of those that were given up."""
    job = await world.ports.jobs.read("j")
    assert job is not None
    assert job.state is JobState.RUNNING
    failed = await world.ports.jobs.failed("j")
    names = [path.rpartition("/")[2] for path in world.store.paths() if "/job_failures/" in path]
    assert bool(names) is failed
    return (await world.ports.jobs.progress("j")).settled, names


async def test_a_late_copy_does_not_count_what_a_redrive_has_taken_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has read that the work was given up, which is so no more: the unit settles with the redrive."""
    claimed, mended = asyncio.Event(), asyncio.Event()

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        if not ctx.event.redrive:
            raise Reject("broken")
        claimed.set()
        await mended.wait()

    first, second = (world.engine(pack, idempotency=KEY) for _ in range(2))
    assert (await first.deliver(unit("a", 0))).verdict is Verdict.DEAD
    assert (await first.deliver(unit("b", 1))).verdict is Verdict.DUPLICATE
    assert (await settled(world))[0] == 2
    redriven: list[asyncio.Task[object]] = []

    async def redrive() -> None:
        redriven.append(asyncio.create_task(second.deliver(unit("b", 1, redrive=1))))
        await claimed.wait()

    overtaken(world, monkeypatch, redrive)
    assert (await first.deliver(unit("b", 1))).verdict is Verdict.DUPLICATE
    assert (await settled(world))[0] == 1
    mended.set()
    await redriven[0]
    count, failures = await settled(world)
    assert (count, len(failures)) == (2, 1)


async def test_a_redrive_opens_only_what_was_counted(world: World) -> None:
    """An event that is sent back before its own delivery could count it is counted once, by its redrive."""
    mended = False

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        if not mended:
            raise Reject("broken")

    engine = world.engine(pack, idempotency=KEY)
    assert (await engine.deliver(unit("a", 0))).verdict is Verdict.DEAD
    mended = True
    assert (await engine.deliver(unit("b", 1, redrive=1))).verdict is Verdict.DONE
    count, failures = await settled(world)
    assert (count, len(failures)) == (2, 1)


async def test_two_letters_of_the_same_work_settle_both_their_units(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is overtaken by the other's write looks again: its letter is filed and its unit counted all the same."""
    answers: list[tuple[str, bool]] = []

    async def file(letter: DeadLetter, ctx: Context) -> None:
        answers.append((letter.event_id, await ctx.resume(letter)))

    filer = world.engine(file, attempts=None, idempotency_of={"pack": KEY})

    async def filed(event_id: str, index: int) -> Verdict:
        message = unit(event_id, index).message
        failure = Failure(Fault.UNDELIVERABLE, "?")
        given_up = Message(message.id, message.data, message.attributes)
        letter = DeadLetter.build("pack", event_id, failure, given_up, attempts=0, died_at=NOON)
        return (await filer.deliver(arriving(letter.outgoing("dead.letters", TRACE)))).verdict

    async def other() -> None:
        assert await filed("b", 1) is Verdict.DONE

    overtaken(world, monkeypatch, other)
    assert [await filed("a", 0), await filed("a", 0)] == [Verdict.RETRY, Verdict.DONE]
    assert answers == [("b", False), ("a", False)]
    count, failures = await settled(world)
    assert (count, len(failures)) == (2, 2)
