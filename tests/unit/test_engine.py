"""The engine: one delivery from its message to its verdict, whatever fails on the way."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_mock import MockerFixture

from tests.orders import OrderPacked, OrderPlaced, order
from tidegate import Context, Emission, Reject, Result, emit
from tidegate.dead_letters import DeadLetter
from tidegate.engine import Engine
from tidegate.events import Event, child_id
from tidegate.inputs import Inbound
from tidegate.messages import Message
from tidegate.records import Fault, Status
from tidegate.testing import NOON, Mishap, World
from tidegate.testing.delivery import arriving
from tidegate.verdicts import Verdict

pytestmark = pytest.mark.anyio


@pytest.fixture
def world() -> World:
    return World()


class Handling:
    """Handlers that count their runs and fail as they are told.

    Attributes:
        failures: raised in turn, None standing for success.
    """

    def __init__(self, *failures: BaseException | None) -> None:
        self.failures = list(failures)
        self.runs = 0
        self.attempts: list[int] = []

    def function(self) -> Callable[..., Any]:
        async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
            self._run(ctx)
            return OrderPacked(order_id=placed.order_id)

        return pack

    def plain_function(self) -> Callable[..., Any]:
        def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
            self._run(ctx)
            return OrderPacked(order_id=placed.order_id)

        return pack

    def _run(self, ctx: Context) -> None:
        self.runs += 1
        self.attempts.append(ctx.attempt)
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure


def letters(world: World) -> list[DeadLetter]:
    """The dead letters published so far."""
    return [
        DeadLetter.from_message(arriving(each).message, now=NOON)
        for each in world.publisher.published
        if each.topic == "dead.letters"
    ]


async def verdicts(engine: Engine, inbound: Inbound, times: int) -> list[Verdict]:
    """How so many deliveries of one message end, one after another."""
    return [(await engine.deliver(inbound)).verdict for _ in range(times)]


async def test_a_delivery_is_done(world: World) -> None:
    """The record is done, the event published with an id derived from its cause, and two writes were enough."""
    report = await world.engine(Handling().function()).deliver(order())
    assert (report.verdict, report.attempt, report.emitted, report.reason) == (Verdict.DONE, 1, 1, "")
    assert world.publisher.ids("order.packed") == [child_id("pack", "event-1", 0)]
    record = await world.record("pack")
    assert (record.status, record.steps, record.published) == (Status.DONE, {}, False)
    assert (world.ledger.writes, world.ledger.reads) == (2, 0)
    assert world.reports == [report]


async def test_a_duplicate_publishes_again_and_runs_nothing(world: World) -> None:
    """The same ids are published, so that whoever crashed between commit and publish loses nothing."""
    handling = Handling()
    first, second = world.engine(handling.function()), world.engine(handling.function())
    world.publisher.failures.append(RuntimeError("the process is going down"))
    assert await verdicts(first, order(), 1) == [Verdict.RETRY]
    assert world.publisher.published == []
    assert await verdicts(first, order(), 1) == [Verdict.DUPLICATE]
    assert await verdicts(second, order(), 1) == [Verdict.DUPLICATE]
    assert world.publisher.ids("order.packed") == [child_id("pack", "event-1", 0)] * 2
    assert handling.runs == 1


@pytest.mark.parametrize("fan_out", [100, 101])
async def test_a_large_outbox_is_marked(world: World, fan_out: int) -> None:
    """More than a hundred events are not published again once they are known to be out."""

    async def pack(placed: OrderPlaced, ctx: Context) -> list[OrderPacked]:
        return [OrderPacked(parcel=number) for number in range(placed.items)]

    for verdict in (Verdict.DONE, Verdict.DUPLICATE):
        assert await verdicts(world.engine(pack), order(items=fan_out), 1) == [verdict]
    marked = fan_out > 100
    assert (await world.record("pack")).published is marked
    assert len(world.publisher.published) == (fan_out if marked else 2 * fan_out)


@pytest.mark.parametrize("mishap", [Mishap.FAILS_BEFORE, Mishap.REFUSED])
async def test_a_failing_mark_spoils_nothing(world: World, mishap: Mishap) -> None:
    """The mark only spares work: without it the delivery is done all the same."""

    async def pack(placed: OrderPlaced, ctx: Context) -> list[OrderPacked]:
        return [OrderPacked(parcel=number) for number in range(101)]

    world.ledger.script.extend([Mishap.NONE, Mishap.NONE, *[mishap] * 4])
    assert await verdicts(world.engine(pack), order(), 1) == [Verdict.DONE]
    assert not (await world.record("pack")).published


async def test_failing_publisher_loses_nothing(world: World) -> None:
    """While the broker is away the message is not acked; the handler ran once when it is back."""
    handling = Handling()
    engine = world.engine(handling.function())
    world.publisher.fail(times=2)
    assert await verdicts(engine, order(), 3) == [Verdict.RETRY, Verdict.RETRY, Verdict.DUPLICATE]
    assert world.reports[0].reason == "the broker is away"
    assert world.publisher.ids("order.packed") == [child_id("pack", "event-1", 0)]
    assert handling.runs == 1


async def test_busy_counts_no_attempt(world: World) -> None:
    """A second delivery during the first neither runs the handler nor uses up an attempt."""
    started, finish = asyncio.Event(), asyncio.Event()
    attempts = []

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        attempts.append(ctx.attempt)
        started.set()
        await finish.wait()

    engine = world.engine(pack, attempts=1)
    first = asyncio.create_task(engine.deliver(order()))
    await started.wait()
    assert await verdicts(engine, order(), 3) == [Verdict.BUSY] * 3
    finish.set()
    assert (await first).verdict is Verdict.DONE
    assert attempts == [1]


@pytest.mark.parametrize("granted", [1, 2, 5])
@pytest.mark.parametrize("kind", [Handling.function, Handling.plain_function])
@pytest.mark.parametrize("pure", [False, True])
async def test_attempts_are_exactly_those_granted(
    world: World, granted: int, kind: Callable[[Handling], Callable[..., Any]], pure: bool
) -> None:
    """Each failed run releases the record, the last granted one buries it with its own failure."""
    handling = Handling(*[ValueError("no box fits")] * 10)
    engine = world.engine(kind(handling), attempts=granted, pure=pure)
    outcome = await verdicts(engine, order(), granted + 1)
    assert outcome == [*[Verdict.RETRY] * (granted - 1), Verdict.DEAD, Verdict.DUPLICATE]
    assert handling.runs == granted + pure  # a pure one runs before it learns that it need not
    letter, again = letters(world)
    assert (letter.function, letter.fault, letter.attempts) == ("pack", Fault.ERROR, granted)
    assert letter.reason == "ValueError: no box fits"
    assert again.event() == letter.event()
    record = await world.record("pack")
    assert record.error is not None
    assert "raise failure" in record.error.detail


async def test_attempts_are_counted_from_one(world: World) -> None:
    """The handler sees which run it is."""
    handling = Handling(ValueError(), ValueError())
    await verdicts(world.engine(handling.function()), order(), 3)
    assert handling.attempts == [1, 2, 3]


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (Reject("no such customer"), "no such customer"),
        (Reject(), "rejected by the handler"),
        (ExceptionGroup("tasks", [ValueError(), ExceptionGroup("more", [Reject("no such customer")])]), "no such"),
    ],
    ids=["alone", "silent", "in a task group"],
)
async def test_reject_costs_one_attempt(world: World, failure: Exception, reason: str) -> None:
    """What can never succeed is dead at once, with the handler's own words."""
    handling = Handling(failure)
    report = await world.engine(handling.function()).deliver(order())
    assert report.verdict is Verdict.DEAD
    assert reason in report.reason
    assert (handling.runs, letters(world)[0].attempts, letters(world)[0].fault) == (1, 1, Fault.REJECTED)


async def test_the_dead_letter_is_owed(world: World) -> None:
    """While it cannot be published the message is not acked."""
    engine = world.engine(Handling(Reject("no")).function())
    world.publisher.fail()
    assert await verdicts(engine, order(), 2) == [Verdict.RETRY, Verdict.DUPLICATE]
    assert [each.reason for each in letters(world)] == ["no"]


async def test_the_last_resort_never_gives_up(world: World) -> None:
    """Without a limit of attempts even a Reject is tried again: there is nowhere else to go."""

    async def file(letter: DeadLetter, ctx: Context) -> None:
        raise Reject("not today")

    await world.engine(Handling(Reject("no")).function()).deliver(order())
    outcome = await verdicts(world.engine(file, attempts=None), arriving(world.publisher.published[0]), 7)
    assert outcome == [Verdict.RETRY] * 7


async def test_async_timeout(world: World) -> None:
    """A handler that overruns is cancelled, and that is a failed attempt."""
    cancelled = []

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(ctx.attempt)
            raise

    report = await world.engine(pack, timeout_seconds=0.01).deliver(order())
    record = await world.record("pack")
    assert report.verdict is Verdict.RETRY
    assert record.error is not None
    assert (record.status, record.error.fault) == (Status.RELEASED, Fault.TIMEOUT)
    assert record.error.reason == "ran longer than 0.01 s"
    assert cancelled == [1]


async def test_no_run_outlasts_its_lease(world: World) -> None:
    """Where the claim took long to stand, the handler gets what is left of the lease, not its whole timeout."""

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        await asyncio.Event().wait()

    world.ledger.on_write = lambda _: world.clock.advance(74.99)
    report = await world.engine(pack, timeout_seconds=60).deliver(order())
    assert (report.verdict, report.reason) == (Verdict.RETRY, "ran longer than 0.01 s")


async def test_sync_timeout(world: World, leap: Callable[[float], None]) -> None:
    """The thread of a plain handler goes on, counted as lost, but nothing that it does still counts."""
    finish, fenced = threading.Event(), threading.Event()
    outcomes: list[type[BaseException]] = []

    def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
        leap(60)
        finish.wait(10)
        try:
            ctx.wait(ctx.step("too late", lambda: 1))
        except BaseException as error:
            outcomes.append(type(error))
        fenced.set()
        return OrderPacked()

    engine = world.engine(pack, timeout_seconds=60)
    assert await verdicts(engine, order(), 1) == [Verdict.RETRY]
    assert engine.overrun == 1
    finish.set()
    assert await asyncio.to_thread(fenced.wait, 10)
    assert [each.__name__ for each in outcomes] == ["LeaseLost"]
    record = await world.record("pack")
    assert (record.status, record.steps) == (Status.RELEASED, {})
    assert world.publisher.published == []


async def test_what_a_late_thread_waits_for_is_cancelled(world: World, leap: Callable[[float], None]) -> None:
    """A plain handler that waits for something on the event loop is stopped by its timeout."""
    ended = threading.Event()
    cancelled = []

    async def forever() -> None:
        leap(60)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    def pack(placed: OrderPlaced, ctx: Context) -> None:
        try:
            ctx.wait(forever())
        finally:
            ended.set()

    assert await verdicts(world.engine(pack, timeout_seconds=60), order(), 1) == [Verdict.RETRY]
    assert await asyncio.to_thread(ended.wait, 10)
    assert cancelled == [True]


async def test_lost_threads_keep_nobody_waiting(world: World, leap: Callable[[float], None]) -> None:
    """As many deliveries as may run at a time do run, though as many threads are lost."""
    finish = threading.Event()
    inside = threading.Barrier(2, action=lambda: leap(60))

    def pack(placed: OrderPlaced, ctx: Context) -> None:
        if placed.items:
            inside.wait(10)
            finish.wait(30)

    engine = world.engine(pack, timeout_seconds=60, concurrency=2)
    stuck = await asyncio.gather(*(engine.deliver(order(f"stuck-{number}")) for number in range(2)))
    assert [each.verdict for each in stuck] == [Verdict.RETRY] * 2
    fine = await asyncio.gather(*(engine.deliver(order(f"fine-{number}", items=0)) for number in range(2)))
    assert [each.verdict for each in fine] == [Verdict.DONE] * 2
    assert engine.overrun == 2  # none of them had to come back
    finish.set()


async def test_a_plain_handler_runs_in_a_thread(world: World) -> None:
    """The event loop is never blocked by a plain function, nor by a generator's body."""
    threads = []

    def pack(placed: OrderPlaced, ctx: Context) -> Iterator[OrderPacked]:
        threads.append(threading.get_ident())
        yield OrderPacked(parcel=1)
        yield OrderPacked(parcel=2)

    assert await verdicts(world.engine(pack), order(), 1) == [Verdict.DONE]
    assert len(world.publisher.published) == 2
    assert threads[0] != threading.get_ident()


async def generates(placed: OrderPlaced, ctx: Context) -> AsyncIterator[OrderPacked | Emission[OrderPacked]]:
    yield OrderPacked(parcel=1)
    yield emit(OrderPacked(parcel=2), key="k", expires_in=timedelta(hours=1))


async def nests(placed: OrderPlaced, ctx: Context) -> list[OrderPacked | tuple[OrderPacked, Result]]:
    return [OrderPacked(parcel=1), (OrderPacked(parcel=2), Result({"parcels": 2}))]


def expression(placed: OrderPlaced, ctx: Context) -> Iterator[OrderPacked]:
    return (OrderPacked(parcel=number) for number in (1, 2))


@pytest.mark.parametrize("call", [generates, nests, expression])
async def test_events_may_be_returned_or_yielded(world: World, call: Callable[..., Any]) -> None:
    """Generators, async generators and nested containers emit their events in order."""
    assert await verdicts(world.engine(call), order(), 1) == [Verdict.DONE]
    assert [OrderPacked.parse(each.data).parcel for each in world.publisher.published] == [1, 2]


@pytest.mark.parametrize("kind", [Handling.function, Handling.plain_function])
@pytest.mark.parametrize("failure", [StopIteration("empty"), asyncio.CancelledError(), SyntaxError("odd")])
async def test_odd_exceptions_are_failures(
    world: World, kind: Callable[[Handling], Callable[..., Any]], failure: BaseException
) -> None:
    """What a future cannot carry, and a cancellation that nobody asked for, are failed attempts like any other."""
    engine = world.engine(kind(Handling(failure)), timeout_seconds=5)
    # In a task of its own, as a server has it: other tests, with whom this one shares a task, cancel and go on.
    report = await asyncio.create_task(engine.deliver(order()))
    assert report.verdict is Verdict.RETRY
    record = await world.record("pack")
    assert record.error is not None
    assert (record.status, record.error.fault) == (Status.RELEASED, Fault.ERROR)


async def test_a_cancelled_delivery_ends(world: World) -> None:
    """A server that shuts down stops the delivery; its record is left to the next one."""
    started = asyncio.Event()

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        started.set()
        await asyncio.Event().wait()

    delivery = asyncio.create_task(world.engine(pack).deliver(order()))
    await started.wait()
    delivery.cancel()
    with pytest.raises(asyncio.CancelledError):
        await delivery
    assert (await world.record("pack")).status is Status.CLAIMED


async def test_a_crash_is_taken_over_after_the_lease(world: World) -> None:
    """A claim that nobody ended keeps others away until its lease is over, and was an attempt."""
    await test_a_cancelled_delivery_ends(world)
    handling = Handling()
    engine = world.engine(handling.function())
    assert await verdicts(engine, order(), 1) == [Verdict.BUSY]
    world.clock.advance(76)
    assert await verdicts(engine, order(), 1) == [Verdict.DONE]
    assert handling.attempts == [2]


async def test_a_crash_loop_is_buried(world: World) -> None:
    """When all granted runs were started and none ended, the event is dead without another run."""
    await test_a_cancelled_delivery_ends(world)
    world.clock.advance(76)
    handling = Handling()
    assert await verdicts(world.engine(handling.function(), attempts=1), order(), 1) == [Verdict.DEAD]
    assert handling.runs == 0
    assert [(each.fault, each.attempts) for each in letters(world)] == [(Fault.CRASHED, 1)]


async def test_a_zombie_is_fenced(world: World) -> None:
    """A worker that lost its lease commits nothing, and publishes only what the other one committed."""
    started, finish = asyncio.Event(), asyncio.Event()

    async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
        if ctx.attempt == 1:
            started.set()
            await finish.wait()
        ctx.batch.set(ctx.firestore.document("parcels/p"), {"by": ctx.attempt})
        return OrderPacked(parcel=ctx.attempt)

    engine = world.engine(pack)
    zombie = asyncio.create_task(engine.deliver(order()))
    await started.wait()
    world.clock.advance(76)
    assert await verdicts(engine, order(), 1) == [Verdict.DONE]
    finish.set()
    assert (await zombie).verdict is Verdict.DUPLICATE
    assert world.documents.get("parcels/p") == {"by": 2}
    assert {OrderPacked.parse(each.data).parcel for each in world.publisher.published} == {2}


async def test_a_pure_handler_writes_once(world: World) -> None:
    """Without an effect there is nothing to claim: one write, and none but the first commit counts."""
    handling = Handling()
    assert await verdicts(world.engine(handling.function(), pure=True), order(), 1) == [Verdict.DONE]
    assert (world.ledger.writes, world.ledger.reads) == (1, 0)
    assert await verdicts(world.engine(handling.function(), pure=True), order(), 1) == [Verdict.DUPLICATE]
    assert handling.runs == 2
    assert len(set(world.publisher.ids("order.packed"))) == 1


@pytest.mark.parametrize("pure", [True, False])
async def test_what_the_store_never_takes_is_dead(world: World, pure: bool) -> None:
    """A result too large for the ledger is no passing trouble."""
    script = [Mishap.REFUSED] if pure else [Mishap.NONE, Mishap.REFUSED]
    world.ledger.script.extend(script)
    report = await world.engine(Handling().function(), pure=pure).deliver(order())
    assert report.verdict is Verdict.DEAD
    assert report.reason == "cannot be committed: too large"


async def test_the_expired_are_shed(world: World) -> None:
    """An event past its expiry is neither run nor dead-lettered, and stays shed."""
    handling = Handling()
    engine = world.engine(handling.function())
    late = order(expires=NOON - timedelta(seconds=1))
    assert await verdicts(engine, late, 2) == [Verdict.SHED, Verdict.DUPLICATE]
    assert handling.runs == 0
    assert world.publisher.published == []


async def test_an_expired_duplicate_is_still_published(world: World) -> None:
    """What was done in time is owed, however late the next delivery of it comes."""
    engine = world.engine(Handling().function())
    fresh = order(expires=NOON + timedelta(seconds=1))
    world.publisher.fail()
    assert await verdicts(engine, fresh, 1) == [Verdict.RETRY]
    world.clock.advance(10)
    assert await verdicts(engine, fresh, 1) == [Verdict.DUPLICATE]
    assert len(world.publisher.published) == 1


@pytest.mark.parametrize("type", ["order.placed", "order.mistaken"])
async def test_others_redriven_events_are_filtered(world: World, type: str) -> None:
    """An event that goes back to another function is left alone, also one that could not be read."""
    handling = Handling()
    report = await world.engine(handling.function()).deliver(order(target="ship", redrive=1, type=type))
    assert report.verdict is Verdict.FILTERED
    assert (handling.runs, world.ledger.writes, world.publisher.published) == (0, 0, [])


async def test_a_reused_key_is_dead(world: World) -> None:
    """The same id with other data is dead-lettered at each delivery as one letter; the first one's record stays."""
    engine = world.engine(Handling().function())
    await engine.deliver(order(items=1))
    before = await world.record("pack")
    assert await verdicts(engine, order(items=2), 2) == [Verdict.DEAD, Verdict.DEAD]
    assert await world.record("pack") == before
    first, second = letters(world)
    assert first.event() == second.event()
    assert (first.fault, OrderPlaced.parse(first.data).items) == (Fault.CONFLICT, 2)


async def test_redrive_runs_what_failed(world: World) -> None:
    """A higher redrive number starts a failed record afresh, even with mended data; done ones stay done."""
    handling = Handling(Reject("no"), Reject("still no"))
    engine = world.engine(handling.function())
    assert await verdicts(engine, order(), 2) == [Verdict.DEAD, Verdict.DUPLICATE]
    assert await verdicts(engine, order(redrive=1, target="pack"), 2) == [Verdict.DEAD, Verdict.DUPLICATE]
    assert await verdicts(engine, order(redrive=2, items=5), 1) == [Verdict.DONE]
    assert await verdicts(engine, order(redrive=3), 1) == [Verdict.DUPLICATE]
    assert handling.attempts == [1, 1, 1]
    assert [each.redrive for each in letters(world)] == [0, 0, 1, 1]


async def test_redrive_keeps_steps(world: World) -> None:
    """What had its effect before the event died has none again."""
    booked: list[str] = []

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        await ctx.step("book", booked.append, ctx.idempotency_key("book"))
        if placed.items == 0:
            raise Reject("nothing to pack")

    engine = world.engine(pack)
    assert await verdicts(engine, order(items=0), 1) == [Verdict.DEAD]
    assert await verdicts(engine, order(items=1, redrive=1), 1) == [Verdict.DONE]
    assert len(booked) == 1


async def test_a_state_conflict_reads_again(world: World) -> None:
    """If what the handler read has changed by its commit, it runs again on fresh reads, as the same attempt."""
    document = world.firestore.document("stock/box")
    await document.set({"left": 10})
    attempts = []

    async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
        attempts.append(ctx.attempt)
        read = await document.get()
        if len(attempts) == 1:
            await document.set({"left": 9})  # somebody else, meanwhile
        option = ctx.firestore.write_option(last_update_time=read.update_time)
        ctx.batch.update(document, {"left": read.get("left") - 1}, option)
        return OrderPacked()

    assert await verdicts(world.engine(pack), order(), 1) == [Verdict.DONE]
    assert attempts == [1, 1]
    assert world.documents.get("stock/box") == {"left": 8}
    assert len(world.publisher.published) == 1


async def test_endless_state_conflicts_are_a_failure(world: World) -> None:
    """After several runs in vain the attempt has failed, and nothing of it stands."""
    runs = []

    async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
        runs.append(1)
        ctx.batch.update(ctx.firestore.document("stock/none"), {"left": 1})
        ctx.batch.set(ctx.firestore.document("stock/other"), {"left": 1})
        return OrderPacked()

    report = await world.engine(pack).deliver(order())
    assert (report.verdict, len(runs)) == (Verdict.RETRY, 5)
    assert "too much contention" in report.reason
    assert world.documents.get("stock/other") is None
    assert world.publisher.published == []


async def test_a_failed_run_writes_nothing(world: World) -> None:
    """The handler's own writes stand exactly when the event is done."""

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        ctx.batch.set(ctx.firestore.document("stock/box"), {"attempt": ctx.attempt})
        if ctx.attempt == 1:
            raise ValueError("not yet")

    engine = world.engine(pack)
    assert await verdicts(engine, order(), 1) == [Verdict.RETRY]
    assert world.documents.get("stock/box") is None
    assert await verdicts(engine, order(), 1) == [Verdict.DONE]
    assert world.documents.get("stock/box") == {"attempt": 2}


async def test_idempotency_by_a_field(world: World) -> None:
    """Two events with one value of the named field are the same work, if their data agree."""
    handling = Handling()
    engine = world.engine(handling.function(), idempotency="data.order_id")
    assert await verdicts(engine, order("event-1", "o-1"), 1) == [Verdict.DONE]
    assert await verdicts(engine, order("event-2", "o-1"), 1) == [Verdict.DUPLICATE]
    assert await verdicts(engine, order("event-3", "o-2"), 1) == [Verdict.DONE]
    assert await verdicts(engine, order("event-4", "o-1", items=2), 1) == [Verdict.DEAD]
    assert handling.runs == 2


_MISFITS = {
    "not JSON": (order(data=b"{"), "does not fit order.placed v1"),
    "empty": (order(data=b""), "data is empty"),
    "wrong field": (order(data=b'{"items":"many"}'), "items: "),
    "other version": (order(version=2), "contract version 2"),
    "other type": (order(type="order.shipped"), "unknown type 'order.shipped'"),
    "undecodable": (Inbound(Message("m", b"?"), "the request is not JSON"), "the request is not JSON"),
    "half an event": (Inbound(Message("m", b"{}", {"ce-id": "e"})), "missing attribute ce-source"),
    "odd redrive": (Inbound(Message("m", b"{}", {"tidegate-redrive": "9" * 5000})), "tidegate-redrive is"),
    "no such time": (
        Inbound(Message("m", b"{}", {**order().message.attributes, "ce-time": "0001-01-01T00:00:00+23:00"})),
        "ce-time is",
    ),
}


@pytest.mark.parametrize("name", _MISFITS)
async def test_a_poison_message_costs_one_attempt(world: World, name: str) -> None:
    """What is no fit event is dead at the first delivery, with the reason, and one write."""
    inbound, reason = _MISFITS[name]
    handling = Handling()
    report = await world.engine(handling.function()).deliver(inbound)
    assert report.verdict is Verdict.DEAD
    assert reason in report.reason
    assert (handling.runs, world.ledger.writes, world.ledger.reads) == (0, 1, 0)
    assert (letters(world)[0].fault, letters(world)[0].data) == (Fault.INVALID, inbound.message.data)


async def test_a_failure_too_long_to_record_is_cut(world: World) -> None:
    """However much an error says, and in whatever characters, it is recorded as the failure it is."""
    report = await world.engine(Handling(ValueError("\ud800" + "x" * 3_000_000)).function()).deliver(order())
    assert report.verdict is Verdict.RETRY
    assert report.reason.startswith("ValueError: ?xxx")
    assert len(report.reason) <= 2000


@pytest.mark.parametrize(
    ("emitted", "verdict"),
    [
        (emit(OrderPacked(), key="k" * 1025), Verdict.DEAD),
        (OrderPacked(order_id="x" * 9_100_000), Verdict.DEAD),
        (OrderPlaced(), Verdict.RETRY),
        ("a text", Verdict.RETRY),
        ([1], Verdict.RETRY),
    ],
    ids=["long key", "too large", "undeclared", "no event", "list of no events"],
)
async def test_what_cannot_be_published_is_never_committed(world: World, emitted: Any, verdict: Verdict) -> None:
    """An event that the broker would refuse for ever fails the run instead of blocking its outbox.

    One that is too large will be so at every attempt; the rest a new deployment may mend.
    """

    async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked | None:
        return emitted  # type: ignore[no-any-return]

    assert await verdicts(world.engine(pack), order(), 1) == [verdict]
    assert (await world.record("pack")).outbox == ()
    assert {each.topic for each in world.publisher.published} <= {"dead.letters"}


async def test_lineage_travels(world: World) -> None:
    """A child names its cause, the first event of all, and the delivery's span, which is below the cause's own."""
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    extensions = {"traceparent": parent, "tracestate": "x=1", "correlationid": "first", "other": "x"}
    await world.engine(Handling().function()).deliver(order(extensions=extensions))
    child = Event.from_message(arriving(world.publisher.published[0]).message, topic="", now=NOON)
    trace = world.reports[0].trace
    assert (trace.trace_id, trace.parent_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")
    assert child.extensions == {
        "causationid": "event-1",
        "correlationid": "first",
        "traceparent": trace.traceparent,
        "tracestate": "x=1",
    }


async def test_a_result_is_recorded(world: World) -> None:
    """The job's result stands in the record as JSON."""
    await world.engine(nests).deliver(order())
    assert (await world.record("nests")).result == '{"parcels": 2}'


@pytest.mark.parametrize("place", range(2))
@pytest.mark.parametrize(
    ("mishap", "lost"),
    [
        (Mishap.FAILS_BEFORE, False),
        (Mishap.FAILS_AFTER, False),
        (Mishap.LANDS_LATE, False),
        (Mishap.SILENT, False),
        (Mishap.LANDS_SILENTLY, False),
    ],
)
async def test_an_ambiguous_write_is_settled(world: World, place: int, mishap: Mishap, lost: bool) -> None:
    """A claim or commit without an answer is settled by reading: one run, one event, done."""
    handling = Handling()
    world.ledger.script.extend([*[Mishap.NONE] * place, mishap])
    report = await world.engine(handling.function(), io_seconds=0.02).deliver(order())
    assert (report.verdict, handling.runs) == (Verdict.DONE, 1)
    assert world.publisher.ids("order.packed") == [child_id("pack", "event-1", 0)]


@pytest.mark.parametrize("place", range(2))
@pytest.mark.parametrize("mishap", [Mishap.FAILS_AFTER, Mishap.FAILS_BEFORE])
async def test_an_unreachable_ledger_acks_nothing(world: World, place: int, mishap: Mishap) -> None:
    """Where the outcome cannot be learnt the message comes again, and finds whatever stands."""
    handling = Handling()
    world.ledger.script.extend([*[Mishap.NONE] * place, mishap])
    world.ledger.unreadable = 1
    engine = world.engine(handling.function())
    first = await engine.deliver(order())
    assert (first.verdict, first.reason) == (Verdict.RETRY, "the ledger is away")
    assert world.publisher.published == []
    world.clock.advance(76)
    assert (await engine.deliver(order())).verdict in (Verdict.DONE, Verdict.DUPLICATE)
    assert world.publisher.ids("order.packed") == [child_id("pack", "event-1", 0)]


async def test_a_runtime_fault_is_reported_and_retried(world: World, mocker: MockerFixture) -> None:
    """Even a bug of the runtime's own ends in a verdict that acks nothing."""
    mocker.patch("tidegate.engine.meet", side_effect=KeyError("bug"))
    report = await world.engine(Handling().function()).deliver(order())
    assert (report.verdict, report.reason) == (Verdict.RETRY, "fault in the runtime: KeyError('bug')")
    assert "Traceback" in report.detail


async def test_latency_is_measured_from_publish(world: World) -> None:
    """The report says how long the event was under way."""
    report = await world.engine(Handling().function()).deliver(order())
    assert (report.latency_seconds, report.ended_at) == (1.0, NOON)
