"""The context: steps, keys, waiting, and what a handler may not do."""

import asyncio
import functools
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.orders import OrderPacked, OrderPlaced, order
from tidegate import Context, Reject
from tidegate.dead_letters import DeadLetter
from tidegate.dependency_limits import Dependency
from tidegate.errors import LeaseLost, StepFailed
from tidegate.messages import Message
from tidegate.records import Failure, Fault, Status
from tidegate.testing import NOON, Mishap, World
from tidegate.testing.delivery import TRACE, arriving
from tidegate.testing.virtual_loop import run as run_virtually
from tidegate.verdicts import Verdict

pytestmark = pytest.mark.anyio

Body = Callable[[Context], Any]


@pytest.fixture
def world() -> World:
    return World()


async def run(world: World, body: Body, *, times: int = 1, **options: Any) -> list[Verdict]:
    """Deliver one order, so many times, to a handler that does ``body``."""

    async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked | None:
        return await body(ctx)  # type: ignore[no-any-return]

    engine = world.engine(pack, **options)
    return [(await engine.deliver(order())).verdict for _ in range(times)]


async def book(count: list[int], value: Any = None) -> Any:
    count.append(1)
    return value


def plain_book(count: list[int], value: Any = None) -> Any:
    count.append(1)
    return value


@pytest.mark.parametrize(
    "call", [book, plain_book, functools.partial(book), lambda *args: book(*args)], ids=["async", "def", "partial", "λ"]
)
async def test_a_step_is_recorded_once(world: World, call: Callable[..., Any]) -> None:
    """A later attempt gets the recorded result; the call happens once."""
    count: list[int] = []
    results = []

    async def body(ctx: Context) -> None:
        results.append(await ctx.step("book", call, count, {"seat": (1, "ä")}))
        if ctx.attempt < 3:
            raise ValueError("later")

    assert await run(world, body, times=3) == [Verdict.RETRY, Verdict.RETRY, Verdict.DONE]
    assert results == [{"seat": [1, "ä"]}] * 3
    assert len(count) == 1


async def test_a_step_costs_one_write(world: World) -> None:
    """Claim, step, commit."""
    await run(world, lambda ctx: ctx.step("book", plain_book, []))
    assert (world.ledger.writes, world.ledger.reads) == (3, 0)


async def test_steps_at_the_same_time_are_all_recorded(world: World) -> None:
    """Steps under gather run side by side, and none overwrites another's record."""
    meeting = asyncio.Barrier(3)
    failed: list[bool] = []

    async def one(number: int) -> int:
        await meeting.wait()
        return number

    async def body(ctx: Context) -> None:
        numbers = await asyncio.gather(*(ctx.step(f"step-{number}", one, number) for number in range(3)))
        assert numbers == [0, 1, 2]
        if not failed:
            failed.append(True)
            raise ValueError("later")

    assert await run(world, body, times=2) == [Verdict.RETRY, Verdict.DONE]
    assert (await world.record("pack")).steps == {"step-0": "0", "step-1": "1", "step-2": "2"}


@pytest.mark.parametrize("value", [object(), {1, 2}, float("nan"), b"bytes"])
async def test_a_result_that_is_not_json_fails_the_step(world: World, value: object) -> None:
    """Nothing is stored, and the message says what to return."""
    seen = []

    async def body(ctx: Context) -> None:
        with pytest.raises(StepFailed, match=f"'book' returned {type(value).__name__}, which is not JSON"):
            await ctx.step("book", plain_book, [], value)
        seen.append(True)

    assert await run(world, body) == [Verdict.DONE]
    assert seen == [True]
    assert (await world.record("pack")).steps == {}


async def test_a_result_that_the_store_refuses_fails_the_step(world: World) -> None:
    """A result too large is a failed attempt of this handler; its claim still stands."""
    world.ledger.script.extend([Mishap.NONE, Mishap.REFUSED])
    assert await run(world, lambda ctx: ctx.step("book", plain_book, [], "x" * 100)) == [Verdict.RETRY]
    assert "its result of 102 bytes cannot be recorded" in world.reports[0].reason


@pytest.mark.parametrize("name", ["", "__book__"])
async def test_a_name_that_cannot_be_stored_calls_nothing(world: World, name: str) -> None:
    """The effect must not happen if it cannot be remembered."""
    count: list[int] = []
    assert await run(world, lambda ctx: ctx.step(name, book, count)) == [Verdict.RETRY]
    assert count == []


async def test_a_step_that_fails_is_not_recorded(world: World) -> None:
    """Its error is the handler's; the next attempt calls again."""
    count: list[int] = []

    async def body(ctx: Context) -> None:
        await ctx.step("book", failing if ctx.attempt == 1 else book, count)

    async def failing(count: list[int]) -> None:
        raise ConnectionError("partner away")

    assert await run(world, body, times=2) == [Verdict.RETRY, Verdict.DONE]
    assert count == [1]


async def test_a_plain_step_may_raise_stop_iteration(world: World) -> None:
    """What no future carries does not hang the handler."""
    assert await run(world, lambda ctx: ctx.step("first", next, iter([])), timeout_seconds=5) == [Verdict.RETRY]
    assert "StopIteration" in world.reports[0].reason


async def test_no_effect_after_the_lease(world: World) -> None:
    """A handler whose time is up is told so before the effect, and its delivery does not count."""
    count: list[int] = []

    async def body(ctx: Context) -> None:
        world.clock.advance(76)
        await ctx.step("book", book, count)

    assert await run(world, body) == [Verdict.BUSY]
    assert count == []
    assert (await world.record("pack")).status is Status.CLAIMED


async def test_a_step_left_behind_is_cancelled(world: World) -> None:
    """A step that still runs when the handler has failed does not go on beside the next attempt."""
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async def fail() -> None:
        await started.wait()
        raise ValueError("the other one failed")

    assert await run(world, lambda ctx: asyncio.gather(ctx.step("slow", slow), fail())) == [Verdict.RETRY]
    await cancelled.wait()
    assert (await world.record("pack")).status is Status.RELEASED


async def test_no_effect_after_the_handler(world: World) -> None:
    """A task that the handler left behind starts no step: its effect could not count any more."""
    count: list[int] = []
    ended = asyncio.Event()
    tasks: list[asyncio.Task[Any]] = []

    async def body(ctx: Context) -> None:
        async def late() -> None:
            await ended.wait()
            await ctx.step("book", book, count)

        tasks.append(asyncio.create_task(late()))

    assert await run(world, body) == [Verdict.DONE]
    ended.set()
    with pytest.raises(LeaseLost):
        await tasks[0]
    assert count == []


def test_a_step_cancelled_while_it_is_recorded_counts(world: World) -> None:
    """Its effect happened: the timeout's record keeps it if it stands, and the next attempt skips it."""
    count: list[int] = []
    world.ledger.script.extend([Mishap.NONE, Mishap.LANDS_SILENTLY])
    twice = run(world, lambda ctx: ctx.step("book", book, count), times=2, timeout_seconds=1)
    assert run_virtually(twice) == [Verdict.RETRY, Verdict.DONE]
    assert count == [1]


async def test_idempotency_keys_are_stable(world: World) -> None:
    """One key per function, event and name: the same at every attempt and redrive."""
    keys: list[tuple[str, str]] = []

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        keys.append((ctx.idempotency_key("book"), ctx.idempotency_key("pay")))
        raise Reject("no") if len(keys) == 2 else ValueError("later")

    engine = world.engine(pack, attempts=5)
    for inbound in (order(), order(), order(redrive=1)):
        await engine.deliver(inbound)
    assert len(set(keys)) == 1
    assert len({key for pair in keys for key in pair}) == 2
    await engine.deliver(order("event-2"))
    assert keys[-1] != keys[0]


@pytest.mark.parametrize("what", ["batch", "step"])
async def test_pure_handlers_have_no_effects(world: World, what: str) -> None:
    """A handler declared pure that is not fails with what to change."""

    async def body(ctx: Context) -> None:
        await (ctx.step("book", book, []) if what == "step" else ctx.batch.commit())

    assert await run(world, body, pure=True) == [Verdict.RETRY]
    assert "drop pure=True" in world.reports[0].reason


async def test_plain_handlers_wait(world: World) -> None:
    """A plain handler takes its steps through ctx.wait, from its own thread."""
    threads = []

    async def on_loop() -> int:
        threads.append(threading.get_ident())
        return 7

    def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
        threads.append(threading.get_ident())
        return OrderPacked(parcel=ctx.wait(ctx.step("number", on_loop)))

    assert (await world.engine(pack).deliver(order())).verdict is Verdict.DONE
    assert json.loads(world.publisher.published[0].data)["parcel"] == 7
    assert threads[1] == threading.get_ident() != threads[0]


async def test_wait_on_the_loop_is_refused(world: World) -> None:
    """Waiting on the event loop for the event loop would never end."""

    async def body(ctx: Context) -> None:
        ctx.wait(asyncio.sleep(0))

    assert await run(world, body) == [Verdict.RETRY]
    assert "in an `async def` handler write `await`" in world.reports[0].reason


async def test_dependencies_come_from_the_topology(world: World) -> None:
    """A declared dependency gives its address; another one says where to declare it."""
    urls = []

    async def body(ctx: Context) -> None:
        async with ctx.dependency("api") as api:
            urls.append(api.url)
        async with ctx.dependency("other"):
            pass

    declared = {"api": Dependency(url="https://api.test")}
    assert await run(world, body, dependencies=declared) == [Verdict.RETRY]
    assert urls == ["https://api.test"]
    assert "dependency 'other' is not declared" in world.reports[0].reason


async def test_the_event_is_at_hand(world: World) -> None:
    """The handler sees the event as it travelled."""
    seen = []

    async def body(ctx: Context) -> None:
        seen.append((ctx.event.id, ctx.event.type, ctx.event.time))

    await run(world, body)
    assert seen == [("event-1", "order.placed", NOON)]


async def test_lease_lost_is_no_failure(world: World) -> None:
    """A handler that is stopped by LeaseLost spends nothing: whoever took over decides."""

    async def body(ctx: Context) -> None:
        raise LeaseLost("stop")

    assert await run(world, body) == [Verdict.BUSY]


@pytest.mark.parametrize(
    ("field", "data", "resumed"),
    [
        ("event.id", OrderPlaced().to_json(), True),
        ("event.id", b"{}", False),  # the record is of another payload
        ("data.order_id", OrderPlaced().to_json(), True),
        ("data.order_id", b"{}", False),
        ("data.order_id", b"not JSON", False),
        ("data.order_id", b"[" * 100_000, False),
    ],
)
async def test_resume_publishes_what_was_committed(world: World, field: str, data: bytes, resumed: bool) -> None:
    """A letter of the backstop whose function had committed is no death: its events go out now."""

    async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
        return OrderPacked()

    answers = []

    async def file(letter: DeadLetter, ctx: Context) -> None:
        answers.append(await ctx.resume(letter))

    world.publisher.fail()
    await world.engine(pack, idempotency=field).deliver(order())
    letter = DeadLetter.build(
        "pack",
        "event-1",
        Failure(Fault.UNDELIVERABLE, "?"),
        Message("m", data, order().message.attributes),
        attempts=0,
        died_at=NOON,
    )
    filer = world.engine(file, attempts=None, idempotency_of={"pack": field} if field != "event.id" else {})
    assert (await filer.deliver(arriving(letter.outgoing("dead.letters", TRACE)))).verdict is Verdict.DONE
    assert answers == [resumed]
    assert len(world.publisher.published) == resumed


async def test_resume_leaves_the_rest_dead(world: World) -> None:
    """Where nothing was committed, the letter is to be filed."""
    answers = []

    async def file(letter: DeadLetter, ctx: Context) -> None:
        answers.append(await ctx.resume(letter))

    letter = DeadLetter.from_message(Message("m", b"{}", {}), now=NOON)
    await world.engine(file).deliver(arriving(letter.outgoing("dead.letters", TRACE)))
    assert answers == [False]
