"""What is counted of log lines is what the runtime writes into them."""

import asyncio
import re
from collections.abc import Callable

import pytest

from tests.orders import OrderPlaced, order
from tests.terraform.plan import Plan
from tidegate.context import Context
from tidegate.dependency_limits import Breaker
from tidegate.errors import DependencyCutOff
from tidegate.shared_breakers import SharedBreaker
from tidegate.testing import World
from tidegate.topology import Topology
from tidegate.verdicts import Verdict

pytestmark = pytest.mark.anyio

LIMITS = Breaker(failures=1, cool_down_seconds=30)


@pytest.fixture
def counted(plan_of: Callable[[str], tuple[Plan, Topology]]) -> dict[str, str]:
    """The filters of what is counted, by its name."""
    plan, _ = plan_of("bare")
    return {str(each.key): each.values["filter"] for each in plan.of("logging_metric")}


async def test_an_open_breaker_is_counted(counted: dict[str, str]) -> None:
    """The reason of what it puts off is one of those that are looked for, while it is open and while it is probed."""
    world = World()
    breaker = SharedBreaker("rebooking-api", LIMITS, world.ports)
    with pytest.raises(ConnectionError):
        async with breaker.watch():
            raise ConnectionError("refused")
    reasons = [await _refused(breaker)]
    world.clock.advance(31)
    async with breaker.watch():
        reasons.append(await _refused(breaker))
    pattern = re.search(r'jsonPayload\.reason=~"([^"]+)"', counted["cut_off"])
    assert pattern is not None
    assert [reason for reason in reasons if not re.search(pattern[1], reason)] == []


async def test_contention_is_counted(counted: dict[str, str]) -> None:
    """A delivery that finds its event under way is busy and gives no reason, by which it is told from others."""
    world, started, finish = World(), asyncio.Event(), asyncio.Event()

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        started.set()
        await finish.wait()

    engine = world.engine(pack)
    first = asyncio.create_task(engine.deliver(order()))
    await started.wait()
    second = await engine.deliver(order())
    finish.set()
    await first
    assert (second.verdict, second.reason) == (Verdict.BUSY, "")
    assert 'verdict="busy" AND NOT jsonPayload.reason:*' in counted["contention"]


async def _refused(breaker: SharedBreaker) -> str:
    with pytest.raises(DependencyCutOff) as refusal:
        await breaker.check()
    return str(refusal.value)
