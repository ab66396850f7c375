"""A job with very many children settles on the emulators, and no child waits for its siblings."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from tests.contract.brokers import EmulatorBroker, emulator_broker
from tests.orders import OrderPacked, OrderPlaced
from tidegate import Context
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.firestore_ledger import FirestoreLedger
from tidegate.adapters.firestore_wire import wire_of
from tidegate.adapters.google_clients import firestore_client
from tidegate.events import Event
from tidegate.jobs import JobState, NewJob, Progress
from tidegate.messages import Outgoing
from tidegate.places import ROOT, Place
from tidegate.ports import Stored, Written
from tidegate.records import Record, Status
from tidegate.settings import Settings
from tidegate.testing import NOON, World
from tidegate.testing.delivery import arriving
from tidegate.verdicts import Verdict
from tidegate.versions import Version

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_event_loop")]

CHILDREN = 10_000
IN_FLIGHT = 8
DELIVERIES = 10
"""Of one event at most: what is not acked comes again."""
SUBSCRIBERS = {"order.packed": ("stow",)}
JOB = "wide"


@dataclass
class TimedLedger:
    """A ledger that notes how long each completion took."""

    ledger: FirestoreLedger
    seconds: list[float] = field(default_factory=list)

    async def write(self, key: str, record: Record, expected: Version | None, batch: Any = None) -> Written:
        started = time.perf_counter()
        written = await self.ledger.write(key, record, expected, batch)
        if record.status is Status.DONE:
            self.seconds.append(time.perf_counter() - started)
        return written

    async def read(self, key: str) -> Stored | None:
        return await self.ledger.read(key)


class Yard(World):
    """Two functions on the emulators, fed from pull subscriptions: a push from the emulator has two places alone."""

    def __init__(self, broker: EmulatorBroker, firestore: Any) -> None:
        super().__init__()
        self.broker = broker
        self.client = firestore
        self.timed = TimedLedger(FirestoreLedger(wire_of(firestore)))
        self.jobs = FirestoreJobs(firestore)
        self.ports = replace(self.ports, ledger=self.timed, jobs=self.jobs, publisher=broker.publisher)


@pytest.fixture
async def yard(firestore_emulator: Any, pubsub_emulator: Any) -> AsyncIterator[Yard]:
    """A yard of its own."""
    async with emulator_broker(pubsub_emulator.host) as broker:
        client = firestore_client(
            Settings(project=broker.project, firestore_emulator_host=firestore_emulator.host, pubsub_emulator_host="-")
        )
        await broker.create("order.packed")
        yield Yard(broker, client)
        await client._firestore_api.transport.close()


async def unpack(placed: OrderPlaced, ctx: Context) -> list[OrderPacked]:
    return [OrderPacked(parcel=number) for number in range(placed.items)]


async def stow(packed: OrderPacked, ctx: Context) -> None:
    pass


@asynccontextmanager
async def bystander(firestore: Any) -> AsyncIterator[list[float]]:
    """While entered, writes a document that nobody else writes, again and again; yields how long each write took.

    What holds it up is the machine: everybody else waits for that as well, and for nobody in particular.
    """
    seconds: list[float] = []

    async def write() -> None:
        while True:
            started = time.perf_counter()
            await firestore.document("bystanders/one").set({"writes": len(seconds)})
            seconds.append(time.perf_counter() - started)

    task = asyncio.create_task(write())
    try:
        yield seconds
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_ten_thousand_children(yard: Yard) -> None:
    """Every child's completion takes about as long as any other's, however many are counted at the same time."""
    place = Place(JOB, ROOT, 0, 1, ("unpack",))
    event = Event("first", "order.placed", "/shop", OrderPlaced(items=CHILDREN).to_json(), NOON, version=1)
    message = Outgoing("order.placed", event.data, event.attributes() | place.attributes())
    await yard.jobs.accept(NewJob(JOB, message, ("unpack",), "", NOON, NOON + timedelta(days=45)))
    report = await yard.engine(unpack, subscribers=SUBSCRIBERS).deliver(arriving(message))
    assert report.verdict is Verdict.DONE
    yard.timed.seconds.clear()

    places, stower = asyncio.Semaphore(IN_FLIGHT), yard.engine(stow)

    async def deliver(child: Outgoing) -> str:
        async with places:
            for _ in range(DELIVERIES):
                if (await stower.deliver(arriving(child))).verdict.acked:
                    return child.attributes["ce-id"]
        raise AssertionError(f"not done by {DELIVERIES} deliveries: {child}")

    delivered: set[str] = set()
    async with bystander(yard.client) as alone:
        while len(delivered) < CHILDREN:
            children = await yard.broker.received("order.packed", min(1000, CHILDREN - len(delivered)))
            assert children, f"{len(delivered)} of {CHILDREN} children have come, and no more"
            delivered.update(await asyncio.gather(*map(deliver, children)))

    job = await yard.jobs.read(JOB)
    assert job is not None
    assert job.state is JobState.SUCCEEDED
    assert await yard.jobs.progress(JOB) == Progress(known=1 + CHILDREN, settled=1 + CHILDREN)
    median, slowest = statistics.median(yard.timed.seconds), max(yard.timed.seconds)
    bound = max(10 * median, 2 * max(alone))
    figures = {"slowest": slowest, "median": median, "slowest of a write that concerns nobody": max(alone)}
    assert slowest < bound, {name: f"{seconds * 1000:.0f} ms" for name, seconds in figures.items()}
