"""What an instance remembers of the deliveries that it has brought to an end."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.orders import OrderPacked, OrderPlaced, order
from tidegate import Context
from tidegate.finished import REMEMBERED
from tidegate.inputs import Inbound
from tidegate.testing import World
from tidegate.verdicts import Verdict

pytestmark = pytest.mark.anyio


@pytest.fixture
def world() -> World:
    return World()


async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
    return OrderPacked(order_id=placed.order_id)


async def breaks(placed: OrderPlaced, ctx: Context) -> OrderPacked:
    raise ValueError("no box")


async def asked(world: World, *inbounds: Inbound, call: Callable[..., Any] = pack, **options: Any) -> tuple[int, int]:
    """How often the ledger and the publisher are asked at the last of several deliveries to one instance."""
    engine = world.engine(call, **options)
    before = (0, 0)
    for inbound in inbounds:
        before = _asked(world)
        await engine.deliver(inbound)
    after = _asked(world)
    return after[0] - before[0], after[1] - before[1]


def _asked(world: World) -> tuple[int, int]:
    return world.ledger.writes + world.ledger.reads, len(world.publisher.published)


async def test_a_duplicate_of_what_was_finished_here_asks_nobody(world: World) -> None:
    """Its record is done and nothing is owed, so it is answered from memory, as a duplicate."""
    assert await asked(world, order(), order()) == (0, 0)
    assert [each.verdict for each in world.reports] == [Verdict.DONE, Verdict.DUPLICATE]


async def test_a_duplicate_of_another_instances_work_asks_once(world: World) -> None:
    """What this instance has found done and published again it remembers as well."""
    await asked(world, order())
    assert await asked(world, order()) == (2, 1)
    assert await asked(world, order(), order()) == (0, 0)


async def test_what_is_owed_is_not_remembered(world: World) -> None:
    """The commit stands and the publishing failed: the duplicate publishes."""
    world.publisher.failures.append(RuntimeError("the process is going down"))
    assert await asked(world, order(), order()) == (2, 1)


async def test_what_failed_is_not_remembered(world: World) -> None:
    """Its letter is published again, and a redrive starts it afresh."""
    assert await asked(world, order(), order(), call=breaks, attempts=1) == (2, 1)


async def test_what_is_sent_back_is_looked_at(world: World) -> None:
    """An operator who redrives a done event wants its events published again; a duplicate of that does not."""
    assert await asked(world, order(), order(redrive=1)) == (2, 1)
    assert await asked(world, order(redrive=1), order(redrive=1)) == (0, 0)


async def test_another_payload_is_a_conflict(world: World) -> None:
    """The id alone is not enough to be taken for a duplicate."""
    await asked(world, order(), order(items=2))
    assert [each.verdict for each in world.reports] == [Verdict.DONE, Verdict.DEAD]


async def test_another_event_of_the_same_work_asks_the_ledger(world: World) -> None:
    """A job may wait for that one, too."""
    options = {"idempotency": "data.order_id"}
    assert await asked(world, order("event-1"), order("event-2"), **options) == (2, 1)


async def test_memory_is_bounded(world: World) -> None:
    """The oldest is forgotten, and asks the ledger again."""
    many = [order(f"event-{number}") for number in range(REMEMBERED + 1)]
    assert await asked(world, *many, many[1], pure=True) == (0, 0)
    assert await asked(world, *many, many[0], pure=True) == (2, 1)
