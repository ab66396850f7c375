"""A small application in memory that books trips, whose jobs the tests follow: a gathering, compensations, a result."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tidegate import Context, Contract, Emission, Reject, Result
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.emissions import Gather, gather
from tidegate.events import Event
from tidegate.handlers import Handler
from tidegate.jobs import Job, NewJob
from tidegate.messages import Message, Outgoing
from tidegate.places import ROOT, Place
from tidegate.reports import Report
from tidegate.topology import Topology
from tidegate_ops.embedded_application import EmbeddedApplication
from tidegate_ops.filed_letters import LetterFile, Selection
from tidegate_ops.project import Project
from tidegate_ops.redrive import Redrive

NOON = datetime(2013, 2, 8, 12, tzinfo=UTC)
TOPOLOGY = Topology.model_validate(
    {
        "application": "trip-desk",
        "topics": {
            name: {}
            for name in (
                *("trip.planned", "leg.wanted", "leg.booked", "leg.dropped", "trip.ready"),
                *("dead.letters", "job.advanced", "job.settled"),
            )
        },
        "functions": {
            "plan_trip": {"topic": "trip.planned", "emits": ["leg.wanted", "trip.ready"]},
            "book_leg": {"topic": "leg.wanted", "emits": ["leg.booked", "leg.dropped"]},
            "count_leg": {"topic": "leg.booked"},
            "bill_leg": {"topic": "leg.booked"},
            "drop_leg": {"topic": "leg.dropped"},
            "finish_trip": {"topic": "trip.ready"},
            "notify": {"topic": "job.settled"},
            "advance_jobs": {"topic": "job.advanced", "attempts": 50},
            "dead_letters": {"topic": "dead.letters", "attempts": None},
        },
    }
)


class TripPlanned(Contract, type="trip.planned", version=1):
    legs: int
    full: tuple[int, ...] = ()
    """Legs that cannot be booked."""


class LegWanted(Contract, type="leg.wanted", version=1):
    leg: int
    full: bool = False


class LegBooked(Contract, type="leg.booked", version=1):
    leg: int


class LegDropped(Contract, type="leg.dropped", version=1):
    leg: int


class TripReady(Contract, type="trip.ready", version=1):
    legs: int


class JobSettled(Contract, type="job.settled", version=1):
    job_id: str
    state: str
    callback_url: str


class TripDesk:
    """The running application.

    Attributes:
        calls: (function, leg) of each run of a handler that counts, in order.
        mended: whether the legs that were full can be booked by now.
        on_booking: awaited while a leg is being booked.
    """

    def __init__(self, *, without: str = "") -> None:
        """``without`` names a function that is not deployed."""
        loop = asyncio.get_running_loop()
        self.calls: list[tuple[str, Any]] = []
        self.reports: list[Report] = []
        self.messages: list[tuple[str, Message]] = []
        self.mended = False
        self.on_booking: Callable[[int], Awaitable[object]] = _nothing
        self.clock = lambda: NOON + timedelta(seconds=loop.time())
        project = Project(Path(__file__).parents[2])
        self.application = EmbeddedApplication(
            TOPOLOGY,
            {name: Handler.inspect(call, pure=False) for name, call in self._handlers().items() if name != without}
            | {name: project.load_handler(name) for name in ("dead_letters", "advance_jobs")},
            environment={},
            on_report=self.reports.append,
            on_message=lambda topic, message: self.messages.append((topic, message)),
            clock=self.clock,
        )
        firestore = memory_firestore(self.application.documents)
        self.jobs = FirestoreJobs(firestore, jitter=lambda: 0.5)
        self._file = LetterFile(firestore)
        self._redrive = Redrive(self._file, self.application.broker, TOPOLOGY, "ada", clock=self.clock)

    async def submit(self, job: str, trip: TripPlanned, *, callback_url: str = "", times: int = 1) -> None:
        """Accept a trip as the gateway does, and publish it so many times."""
        place = Place(job, ROOT, 0, 1, ("plan_trip",))
        event = Event(f"trip-{job}", "trip.planned", "/test", trip.to_json(), self.clock(), version=1)
        message = Outgoing("trip.planned", event.data, event.attributes() | place.attributes())
        payload_hash = hashlib.sha256(event.data).hexdigest()
        new = NewJob(
            job, message, ("plan_trip",), payload_hash, self.clock(), self.clock() + timedelta(days=45), callback_url
        )
        await self.jobs.accept(new)
        await self.publish([message] * times)

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish, and wait until everything has come to rest."""
        await self.application.broker.publish(messages)
        await self.application.broker.drained()

    async def redrive(self) -> None:
        """Send every open dead letter back, and wait until everything has come to rest."""
        for letter in await self._file.select(Selection(all=True)):
            await self._redrive.send(letter, await self._file.payload(letter))
        await self.application.broker.drained()

    async def job(self, job: str) -> Job:
        """The job as it stands."""
        found = await self.jobs.read(job)
        assert found is not None
        return found

    def documents(self, collection: str) -> list[str]:
        """The ids of the documents in a collection."""
        return [each.path.rpartition("/")[2] for each in self.application.documents.list(collection)]

    def published(self, topic: str) -> list[Message]:
        """What was published on a topic, in order."""
        return [message for name, message in self.messages if name == topic]

    def _handlers(self) -> dict[str, Callable[..., Any]]:
        async def plan_trip(trip: TripPlanned, ctx: Context) -> Gather[LegWanted, TripReady]:
            legs = [LegWanted(leg=leg, full=leg in trip.full) for leg in range(trip.legs)]
            return gather(legs, then=TripReady(legs=trip.legs))

        async def book_leg(wanted: LegWanted, ctx: Context) -> list[LegBooked | Emission[LegDropped]]:
            ctx.compensate(LegDropped(leg=wanted.leg))
            await self.on_booking(wanted.leg)
            if wanted.full and not self.mended:
                raise Reject("full")
            self.calls.append(("book_leg", wanted.leg))
            return [LegBooked(leg=wanted.leg)]

        async def count_leg(booked: LegBooked, ctx: Context) -> None:
            self.calls.append(("count_leg", booked.leg))

        async def bill_leg(booked: LegBooked, ctx: Context) -> None:
            self.calls.append(("bill_leg", booked.leg))

        async def drop_leg(dropped: LegDropped, ctx: Context) -> None:
            self.calls.append(("drop_leg", dropped.leg))

        async def finish_trip(ready: TripReady, ctx: Context) -> Result:
            self.calls.append(("finish_trip", ready.legs))
            return Result({"legs": ready.legs})

        async def notify(settled: JobSettled, ctx: Context) -> None:
            self.calls.append(("notify", settled.state))

        handlers = (plan_trip, book_leg, count_leg, bill_leg, drop_leg, finish_trip, notify)
        return {each.__name__: each for each in handlers}


async def _nothing(leg: int) -> None:
    pass
