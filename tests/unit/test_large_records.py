"""What handlers may give a record to hold: large fan-outs, and names that Firestore takes."""

import random
from collections.abc import Iterator

import pytest

from tests.orders import OrderPacked, OrderPlaced, order
from tidegate import Context
from tidegate.errors import StepFailed
from tidegate.testing import World
from tidegate.verdicts import Verdict

pytestmark = pytest.mark.anyio


def noise(megabytes: int) -> Iterator[OrderPacked]:
    """Events that do not compress; as text, half of their size is noise."""
    for seed in range(megabytes * 10):
        yield OrderPacked(order_id=random.Random(seed).randbytes(100_000).hex())


async def test_fan_out_that_outgrows_a_document_is_published_whole() -> None:
    """A commit of several documents owes every event, at a duplicate too."""
    world = World()

    async def pack(placed: OrderPlaced, ctx: Context) -> list[OrderPacked]:
        return list(noise(2))

    assert (await world.engine(pack).deliver(order())).verdict is Verdict.DONE
    assert len([path for path in world.store.paths() if "/ledger_pieces/" in path]) == 3
    world.publisher.published.clear()
    assert (await world.engine(pack).deliver(order())).verdict is Verdict.DUPLICATE
    assert len(world.publisher.published) == 20


async def test_fan_out_that_outgrows_a_commit_is_dead_at_once() -> None:
    """The letter says what to do; nothing of the handler's work stands."""
    world = World()

    async def pack(placed: OrderPlaced, ctx: Context) -> list[OrderPacked]:
        ctx.batch.set(ctx.firestore.document("shelf/o-1"), {})
        return list(noise(12))

    report = await world.engine(pack).deliver(order())
    assert report.verdict is Verdict.DEAD
    assert "fan out in two stages" in report.reason
    assert world.documents.get("shelf/o-1") is None
    assert [each.topic for each in world.publisher.published] == ["dead.letters"]


@pytest.mark.parametrize("name", ["", "__book__", "____"])
async def test_step_that_cannot_be_stored_is_never_called(name: str) -> None:
    """The effect must not happen if its name keeps it from being remembered."""
    world = World()
    calls: list[str] = []

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        with pytest.raises(StepFailed, match="choose another name"):
            await ctx.step(name, calls.append, name)

    assert (await world.engine(pack).deliver(order())).verdict is Verdict.DONE
    assert calls == []
