"""Deliveries whose function needs a dependency that is cut off: no run, no write, no attempt."""

import asyncio
from typing import Any

import pytest

from tests.orders import OrderPlaced, order
from tidegate import Context
from tidegate.dependency_limits import Dependency
from tidegate.engine import Engine
from tidegate.records import Status
from tidegate.testing import World
from tidegate.verdicts import Verdict

pytestmark = pytest.mark.anyio

LIMITS: dict[str, Any] = {"failures": 2, "cool_down_seconds": 30}


class Shop:
    """A function that charges orders, at a bank that can be down.

    Attributes:
        down: the bank gives no answer.
        calls: how often the bank was asked; `runs`: how often the handler was started, with its attempt.
    """

    def __init__(self, **limits: Any) -> None:
        self.world = World()
        self.down = True
        self.calls = 0
        self.runs: list[int] = []
        self.limits = {"breaker": LIMITS, "retries": {"attempts": 1}, **limits}

    def instance(self, **options: Any) -> Engine:
        declared = {"bank": Dependency.model_validate({"url": "https://bank.test", **self.limits})}

        async def charge() -> str:
            self.calls += 1
            if self.down:
                raise ConnectionError("no route to the bank")
            return "charged"

        async def charge_order(placed: OrderPlaced, ctx: Context) -> None:
            self.runs.append(ctx.attempt)
            await ctx.step("weigh", self._weigh)
            async with ctx.dependency("bank") as bank:
                await ctx.step("charge", bank.call, charge)

        return self.world.engine(charge_order, **{"dependencies": declared, "attempts": 5, **options})

    async def _weigh(self) -> int:
        return 250

    async def cut_off(self, engine: Engine) -> None:
        """Have the breaker open."""
        for number in range(LIMITS["failures"]):
            await engine.deliver(order(f"failing-{number}"))


async def test_nothing_is_started_while_it_is_cut_off() -> None:
    """The delivery is busy for a reason, and the ledger is not touched."""
    shop = Shop()
    engine = shop.instance()
    await shop.cut_off(engine)
    writes, runs = shop.world.ledger.writes, len(shop.runs)
    report = await engine.deliver(order())
    assert report.verdict is Verdict.BUSY
    assert report.reason == (
        "bank is cut off until 12:00:30 UTC (2 uses in a row failed, the last with "
        "ConnectionError: no route to the bank)"
    )
    assert (shop.world.ledger.writes, shop.world.ledger.reads, len(shop.runs)) == (writes, 0, runs)


async def test_it_goes_on_by_itself() -> None:
    """After the cool-down one delivery probes; when it is answered, all others follow."""
    shop = Shop()
    engine = shop.instance()
    await shop.cut_off(engine)
    shop.down = False
    shop.world.clock.advance(30)
    for number in range(3):
        assert (await engine.deliver(order(f"event-{number}"))).verdict is Verdict.DONE


async def test_other_instances_are_warned() -> None:
    """An instance that starts into an outage spends nothing on finding it out."""
    shop = Shop()
    await shop.cut_off(shop.instance())
    calls = shop.calls
    assert (await shop.instance().deliver(order())).verdict is Verdict.BUSY
    assert shop.calls == calls


async def test_a_run_that_is_cut_off_is_no_attempt() -> None:
    """It had started before the breaker opened: the claim is released as if it had not, with its steps kept."""
    shop = Shop()
    engine = shop.instance(attempts=1)
    weigh = shop._weigh

    async def meanwhile() -> int:
        shop._weigh = weigh  # type: ignore[method-assign]
        await shop.cut_off(engine)
        return 250

    shop._weigh = meanwhile  # type: ignore[method-assign]
    report = await engine.deliver(order())
    assert (report.verdict, report.attempt) == (Verdict.BUSY, 0)
    assert report.reason.startswith("bank is cut off until")
    record = await shop.world.record("charge_order")
    assert (record.status, record.attempt, dict(record.steps)) == (Status.RELEASED, 0, {"weigh": "250"})
    shop.down = False
    shop.world.clock.advance(30)
    assert (await engine.deliver(order())).verdict is Verdict.DONE
    assert shop.runs == [1, 1, 1, 1]


async def test_failures_before_the_cut_are_attempts() -> None:
    """What reached the dependency and failed counts, and a probe that fails does as well."""
    shop = Shop()
    engine = shop.instance(attempts=2)
    assert (await engine.deliver(order())).verdict is Verdict.RETRY
    await engine.deliver(order("another"))
    shop.world.clock.advance(30)
    assert (await engine.deliver(order())).verdict is Verdict.DEAD


async def test_in_process_retries_are_for_what_passes() -> None:
    """After a use that failed with all of them, one call is enough until one is answered, and so is one as a probe."""
    shop = Shop(retries={"attempts": 4})
    engine = shop.instance()
    for number, calls in enumerate([4, 5]):
        await engine.deliver(order(f"event-{number}"))
        assert shop.calls == calls
    shop.world.clock.advance(30)
    await engine.deliver(order("probe"))
    assert shop.calls == 6


async def test_the_next_probe_is_another_event() -> None:
    """One event alone would spend all of its attempts on an outage; but if no other comes, it is the probe again."""
    shop = Shop()
    engine = shop.instance()
    await shop.cut_off(engine)
    shop.world.clock.advance(30)
    assert (await engine.deliver(order("first"))).verdict is Verdict.RETRY
    shop.world.clock.advance(60)
    put_off = await engine.deliver(order("first"))
    assert (put_off.verdict, put_off.reason) == (
        Verdict.BUSY,
        "bank is to be probed with another event: this one's probe failed",
    )
    assert (await engine.deliver(order("second"))).verdict is Verdict.RETRY
    shop.world.clock.advance(120)
    assert [(await engine.deliver(order("second"))).verdict for _ in range(2)] == [Verdict.BUSY, Verdict.RETRY]


async def test_unfit_events_do_not_wait() -> None:
    """What needs no run is concluded at once."""
    shop = Shop()
    engine = shop.instance()
    await shop.cut_off(engine)
    assert (await engine.deliver(order("unfit", type="order.unknown"))).verdict is Verdict.DEAD
    assert (await engine.deliver(order("old", expires=shop.world.clock()))).verdict is Verdict.SHED


async def test_a_breaker_can_be_switched_off() -> None:
    """Then nothing is cut off, read or written."""
    shop = Shop(breaker=None)
    engine = shop.instance()
    for number in range(20):
        assert (await engine.deliver(order(f"event-{number}"))).verdict is Verdict.RETRY
    assert shop.world.documents.get("breakers/bank") is None
    assert shop.calls == 20


async def test_a_group_that_was_cut_off_is_no_attempt_either() -> None:
    """A TaskGroup wraps what its tasks raise."""
    world = World()

    async def charge_order(placed: OrderPlaced, ctx: Context) -> None:
        async def use() -> None:
            async with ctx.dependency("bank"):
                pass

        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(use())

    declared = {"bank": Dependency(url="https://bank.test", rate_per_second=0.01)}
    # A task of its own, as a request has: the first Pythons of 3.11 leave one that a group has cancelled so.
    report = await asyncio.create_task(world.engine(charge_order, dependencies=declared).deliver(order()))
    assert (report.verdict, report.attempt) == (Verdict.BUSY, 0)
    assert "bank is called 0.01 times a second" in report.reason
