"""What a delivery costs: Firestore operations, counted on the wire to the emulator."""

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient

from tests.contract.rpc_counter import RpcCounter, counted_firestore
from tests.orders import OrderPacked, OrderPlaced, order
from tidegate import Context
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.firestore_lanes import FirestoreLanes
from tidegate.adapters.firestore_ledger import FirestoreLedger
from tidegate.adapters.firestore_wire import wire_of
from tidegate.engine import Engine
from tidegate.inputs import Inbound
from tidegate.jobs import JobState, NewJob
from tidegate.messages import Outgoing
from tidegate.places import ROOT, Place
from tidegate.testing import NOON, World
from tidegate.verdicts import Verdict
from tidegate_ops.costs import JOB_READS, JOB_WRITES, WRITES

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_event_loop")]

PROJECT = "operation-counts"


class Desk(World):
    """A world whose ledger, and whose handlers' client, is the emulator, each call counted."""

    def __init__(self, client: AsyncClient, counter: RpcCounter) -> None:
        super().__init__()
        self.counter = counter
        self.ports = replace(
            self.ports,
            ledger=FirestoreLedger(wire_of(client)),
            jobs=FirestoreJobs(client),
            lanes=FirestoreLanes(client),
            firestore=lambda: client,
            draw=lambda: secrets.token_hex(8),
        )

    async def cost(
        self, instance: Callable[[], Engine], event_id: str, *verdicts: Verdict, items: int = 1
    ) -> RpcCounter:
        """What the last of several deliveries of one event costs, each to an instance of its own; they end as told."""
        for verdict in verdicts:
            self.counter.reset()
            assert (await instance().deliver(order(event_id, items=items))).verdict is verdict
        return self.counter


@pytest.fixture
async def desk(firestore_emulator: Any) -> AsyncIterator[Desk]:
    """A desk on the emulator."""
    counter = RpcCounter()
    client = counted_firestore(firestore_emulator.host, PROJECT, counter)
    yield Desk(client, counter)
    await client._firestore_api.transport.close()


@pytest.fixture
def event_id() -> str:
    """An event that no other test uses."""
    return secrets.token_hex(8)


async def packs(placed: OrderPlaced, ctx: Context) -> list[OrderPacked]:
    return [OrderPacked(parcel=number) for number in range(placed.items)]


async def steps(placed: OrderPlaced, ctx: Context) -> None:
    await ctx.step("book", int)


async def writes(placed: OrderPlaced, ctx: Context) -> None:
    for number in range(3):
        ctx.batch.set(ctx.firestore.document(f"parcels/{ctx.event.id}-{number}"), {"n": number})


async def fails(placed: OrderPlaced, ctx: Context) -> None:
    raise ValueError("no box")


async def fails_once(placed: OrderPlaced, ctx: Context) -> None:
    if ctx.attempt == 1:
        raise ValueError("no box")


@pytest.mark.parametrize(
    ("handler", "pure", "items", "verdicts", "cost"),
    [
        (packs, False, 1, [Verdict.DONE], RpcCounter(batch_writes=2, writes=WRITES)),
        (packs, True, 1, [Verdict.DONE], RpcCounter(batch_writes=1, writes=1)),
        (packs, False, 1, [Verdict.DONE, Verdict.DUPLICATE], RpcCounter(batch_writes=1, writes=1, gets=1, reads=1)),
        (packs, True, 1, [Verdict.DONE, Verdict.DUPLICATE], RpcCounter(batch_writes=1, writes=1, gets=1, reads=1)),
        (steps, False, 1, [Verdict.DONE], RpcCounter(batch_writes=3, writes=3)),
        (fails, False, 1, [Verdict.RETRY], RpcCounter(batch_writes=2, writes=2)),
        (fails_once, False, 1, [Verdict.RETRY, Verdict.DONE], RpcCounter(batch_writes=3, writes=3, gets=1, reads=1)),
        (packs, False, 100, [Verdict.DONE], RpcCounter(batch_writes=2, writes=2)),
        (packs, False, 101, [Verdict.DONE], RpcCounter(batch_writes=3, writes=3)),
        (writes, False, 1, [Verdict.DONE], RpcCounter(batch_writes=1, commits=1, writes=5)),
    ],
    ids=[
        "a delivery: claim and commit",
        "a pure delivery: commit",
        "a duplicate: refused create and read",
        "a pure duplicate: refused create and read",
        "a step: one more",
        "a failure: the release instead of the commit",
        "a retry: refused create, read, takeover and commit",
        "a fan-out of a hundred: claim and commit",
        "a wider fan-out: one more for the mark",
        "the handler's own writes: they ride along",
    ],
)
async def test_costs(
    desk: Desk,
    event_id: str,
    handler: Callable[..., Any],
    pure: bool,
    items: int,
    verdicts: list[Verdict],
    cost: RpcCounter,
) -> None:
    """Each kind of delivery makes exactly these calls."""
    assert await desk.cost(lambda: desk.engine(handler, pure=pure), event_id, *verdicts, items=items) == cost


async def test_a_duplicate_costs_nothing_where_it_was_finished(desk: Desk, event_id: str) -> None:
    """An instance knows what it has brought to an end itself."""
    engine = desk.engine(packs)
    assert await desk.cost(lambda: engine, event_id, Verdict.DONE, Verdict.DUPLICATE) == RpcCounter()


async def test_a_poison_message_costs_one_write(desk: Desk, event_id: str) -> None:
    """What is no fit event is buried by the write that would have claimed it."""
    desk.counter.reset()
    report = await desk.engine(packs).deliver(order(event_id, data=b"{"))
    assert (report.verdict, desk.counter) == (Verdict.DEAD, RpcCounter(batch_writes=1, writes=1))


def keyed(event_id: str, seconds: float = 0, *, key: str = "") -> Inbound:
    """An order that was made and published so long after noon; each has a key of its own unless told."""
    moment = NOON + timedelta(seconds=seconds)
    inbound = order(event_id, order_id=key or event_id, time=moment)
    return replace(inbound, message=replace(inbound.message, publish_time=moment))


def limited(desk: Desk, handler: Callable[..., Any], **mode: Any) -> Engine:
    return desk.engine(handler, per_key={"key": "data.order_id", **mode})


SINGLETON: dict[str, Any] = {"singleton": {}}
THROTTLE = {"throttle": {"runs": 1, "seconds": 60}}
DEBOUNCE = {"debounce": {"quiet_seconds": 5, "longest_seconds": 60}}


@pytest.mark.parametrize(
    ("mode", "handler", "cost"),
    [
        (SINGLETON, writes, RpcCounter(commits=2, writes=7)),
        (SINGLETON, fails, RpcCounter(commits=2, writes=4)),
        (THROTTLE, writes, RpcCounter(commits=2, writes=6, gets=1, reads=1)),
        (DEBOUNCE, writes, RpcCounter(commits=2, writes=6, gets=1, reads=1)),
    ],
    ids=[
        "a singleton: its place is taken and given back in the two commits",
        "a singleton that fails: likewise",
        "a throttled run: one look, and one write that rides along with the claim",
        "the latest of a burst, delivered after the quiet time: likewise",
    ],
)
async def test_costs_of_a_limit_per_key(
    desk: Desk, event_id: str, mode: dict[str, Any], handler: Callable[..., Any], cost: RpcCounter
) -> None:
    """A limit adds no commit to a run."""
    engine = limited(desk, handler, **mode)
    desk.clock.advance(5)
    desk.counter.reset()
    await engine.deliver(keyed(event_id))
    assert desk.counter == cost


async def test_waiting_for_a_key_costs_this(desk: Desk, event_id: str) -> None:
    """No write stands; one look at the record says whether the event has to wait at all."""

    async def meets_another(placed: OrderPlaced, ctx: Context) -> None:
        desk.counter.reset()
        assert (await engine.deliver(keyed(f"{event_id}-2", key=event_id))).verdict is Verdict.BUSY
        assert desk.counter == RpcCounter(commits=1, writes=2, gets=2, reads=2)

    engine = limited(desk, meets_another, **SINGLETON)
    report = await engine.deliver(keyed(event_id))
    assert (report.verdict, report.reason) == (Verdict.DONE, "")
    throttled = limited(desk, rests, **THROTTLE)
    await throttled.deliver(keyed(event_id))
    desk.counter.reset()
    assert (await throttled.deliver(keyed(f"{event_id}-2", key=event_id))).verdict is Verdict.BUSY
    assert desk.counter == RpcCounter(gets=2, reads=2)


async def test_a_burst_costs_this(desk: Desk, event_id: str) -> None:
    """Each event registers once with a commit of its own; one that is superseded costs a look and a write more."""
    engine = limited(desk, rests, **DEBOUNCE)
    first, second = keyed(event_id), keyed(f"{event_id}-2", 1, key=event_id)
    for inbound, verdict, cost in (
        (first, Verdict.BUSY, RpcCounter(commits=1, writes=1, gets=2, reads=2)),
        (first, Verdict.BUSY, RpcCounter(gets=2, reads=2)),
        (second, Verdict.BUSY, RpcCounter(commits=1, writes=1, gets=2, reads=2)),
        (first, Verdict.SHED, RpcCounter(batch_writes=1, writes=1, gets=1, reads=1)),
    ):
        desk.counter.reset()
        assert (await engine.deliver(inbound)).verdict is verdict
        assert desk.counter == cost


async def rests(placed: OrderPlaced, ctx: Context) -> None:
    pass


def unit(event_id: str, job: str, *, of: int, items: int = 1) -> Inbound:
    """An order that is one of ``of`` units that the job was submitted with."""
    place = Place(job, ROOT, 0, of, ("rests", "packs"))
    inbound = order(event_id, items=items)
    message = inbound.message
    return replace(inbound, message=replace(message, attributes={**message.attributes, **place.attributes()}))


@pytest.mark.parametrize(
    ("handler", "of", "items", "cost"),
    [
        (rests, 3, 1, RpcCounter(batch_writes=1, commits=1, writes=3, gets=1, reads=1)),
        (packs, 3, 1, RpcCounter(batch_writes=2, writes=2, gets=1, reads=1)),
        (packs, 3, 2, RpcCounter(batch_writes=1, commits=1, writes=3, gets=1, reads=1)),
    ],
    ids=[
        "a unit without children: its count rides along; one look whether the job was cancelled",
        "a unit with one child: nothing, the child takes its place",
        "a unit with more: their join rides along",
    ],
)
async def test_costs_in_a_job(
    desk: Desk, event_id: str, handler: Callable[..., Any], of: int, items: int, cost: RpcCounter
) -> None:
    """What a job adds to a delivery."""
    engine = desk.engine(handler, subscribers={"order.packed": ("ship",)})
    desk.counter.reset()
    assert (await engine.deliver(unit(event_id, event_id, of=of, items=items))).verdict is Verdict.DONE
    assert desk.counter == cost


async def test_a_duplicate_in_a_job_costs_one_more_read(desk: Desk, event_id: str) -> None:
    """It looks whether its first delivery died before it had closed what it completed, and at the job first."""
    message = Outgoing("order.placed", b"{}", {"ce-id": event_id})
    await desk.ports.jobs.accept(NewJob(event_id, message, ("a", "b", "c"), "", NOON, NOON))
    await desk.engine(rests).deliver(unit(event_id, event_id, of=3))
    desk.counter.reset()
    assert (await desk.engine(rests).deliver(unit(event_id, event_id, of=3))).verdict is Verdict.DUPLICATE
    assert desk.counter == RpcCounter(batch_writes=1, writes=1, gets=3, reads=3)


async def test_settling_a_job_costs_this(desk: Desk, event_id: str) -> None:
    """The last unit reads the root and the job and asks for failures; one commit closes both."""
    place = Place(event_id, ROOT, 0, 1, ("rests",))
    message = Outgoing("order.placed", b"{}", {"ce-id": event_id, **place.attributes()})
    desk.counter.reset()
    await desk.ports.jobs.accept(NewJob(event_id, message, ("rests",), "", NOON, NOON))
    assert desk.counter == RpcCounter(commits=1, writes=2)
    desk.counter.reset()
    inbound = order(event_id)
    attributes = {**inbound.message.attributes, **place.attributes()}
    await desk.engine(rests).deliver(replace(inbound, message=replace(inbound.message, attributes=attributes)))
    assert desk.counter == RpcCounter(batch_writes=1, commits=2, writes=5, gets=3, reads=3, others=1)
    assert 2 + desk.counter.writes == WRITES + JOB_WRITES
    assert desk.counter.reads + desk.counter.others == JOB_READS  # a query that finds nothing is charged as one
    job = await desk.ports.jobs.read(event_id)
    assert job is not None
    assert job.state is JobState.SUCCEEDED
