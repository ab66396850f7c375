"""A small application that books trips: everything that a job's tree can be made of, in a few handlers."""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, TypeAlias

from google.cloud import firestore

from contracts.jobs import JobSettled
from tests.simulation.world import asking
from tidegate import Context, Contract, Emission, Gather, Reject, Result, emit, gather
from tidegate.handlers import Handler
from tidegate.topology import Limits, Topology
from tidegate_ops.project import Project

_TOPICS = (
    "trip.planned",
    "trip.noted",
    "trip.ready",
    "leg.wanted",
    "leg.booked",
    "leg.dropped",
    "seat.wanted",
    "seat.freed",
    "dead.letters",
    "job.advanced",
    "job.settled",
)
_LIMITS = {"timeout_seconds": 10, "attempts": 3, "backoff": {"min_seconds": 1, "max_seconds": 30}}
_FUNCTIONS: dict[str, dict[str, Any]] = {
    "plan_trip": {"topic": "trip.planned", "emits": ["leg.wanted", "trip.ready", "trip.noted"]},
    "book_leg": {
        "topic": "leg.wanted",
        "emits": ["leg.booked", "leg.dropped", "seat.wanted", "trip.noted"],
    },
    "count_leg": {"topic": "leg.booked"},
    "bill_leg": {"topic": "leg.booked"},
    "hold_seat": {"topic": "seat.wanted", "idempotency": "data.seat", "emits": ["seat.freed"]},
    "drop_leg": {"topic": "leg.dropped", "emits": ["seat.freed"]},
    "free_seat": {"topic": "seat.freed"},
    "finish_trip": {"topic": "trip.ready"},
    "notify": {"topic": "job.settled"},
    "advance_jobs": {"topic": "job.advanced", "attempts": None},
    "dead_letters": {"topic": "dead.letters", "attempts": None},
}
TOPOLOGY = Topology.model_validate(
    {
        "application": "trip-desk",
        "topics": {name: {} for name in _TOPICS},
        "functions": {name: {**_LIMITS, **function} for name, function in _FUNCTIONS.items()},
    }
)


class Leg(Contract, type="leg.wanted", version=1):
    """One leg; ``kind`` says what becomes of it, ``seat`` names what it shares with others."""

    trip: str
    number: int
    kind: str
    seat: str = ""


class TripPlanned(Contract, type="trip.planned", version=1):
    """A trip; ``form`` says how its legs are emitted."""

    trip: str
    form: str
    legs: tuple[Leg, ...]
    delay_seconds: float = 0


class TripNoted(Contract, type="trip.noted", version=1):
    """Nobody handles this one."""

    trip: str


class LegBooked(Contract, type="leg.booked", version=1):
    trip: str
    number: int


class LegDropped(Contract, type="leg.dropped", version=1):
    trip: str
    number: int
    kind: str


class SeatWanted(Contract, type="seat.wanted", version=1):
    """Events with the same ``seat`` are the same work; with another ``holder`` they contradict each other."""

    seat: str
    holder: str = ""


class SeatFreed(Contract, type="seat.freed", version=1):
    trip: str


class TripReady(Contract, type="trip.ready", version=1):
    trip: str


Planned: TypeAlias = Gather[Leg, TripReady] | Gather[Leg, TripNoted] | Emission[Leg] | TripNoted
Booked: TypeAlias = LegBooked | SeatWanted | TripNoted | Gather[SeatWanted, LegBooked] | Emission[LegDropped]

FORMS = ("gathered", "plain", "unheard", "noted")
"""Legs in a gathering; each by itself; in a gathering whose end nobody handles; only the first of them in one."""
KINDS = ("fine", "toured", "seated", "rival", "full", "doomed", "lethal", "fruitless")


@dataclass
class Desk:
    """What the handlers meet outside; ``mended``: legs that could not be booked can be by now."""

    mended: bool = False


desk: ContextVar[Desk] = ContextVar("desk")


async def plan_trip(
    trip: TripPlanned, ctx: Context
) -> list[Gather[Leg, TripReady] | Gather[Leg, TripNoted] | Emission[Leg] | TripNoted]:
    """Emit the legs in the form that the trip asks for."""
    delay = timedelta(seconds=trip.delay_seconds) if trip.delay_seconds else None
    legs = [emit(leg, delay=delay if leg.number == 0 else None) for leg in trip.legs]
    match trip.form:
        case "gathered":
            return [gather(legs, then=TripReady(trip=trip.trip))]
        case "noted":
            return [TripNoted(trip=trip.trip), gather(legs[:1], then=TripReady(trip=trip.trip)), *legs[1:]]
        case "unheard":
            return [gather(legs, then=TripNoted(trip=trip.trip))]
    return [*legs]


async def book_leg(
    leg: Leg, ctx: Context
) -> list[LegBooked | SeatWanted | TripNoted | Gather[SeatWanted, LegBooked] | Emission[LegDropped]]:
    """Book a leg, or fail in the way that its kind asks for."""
    ctx.compensate(LegDropped(trip=leg.trip, number=leg.number, kind=leg.kind))
    booked = LegBooked(trip=leg.trip, number=leg.number)
    if not desk.get().mended:
        _fail(leg.kind)
    match leg.kind:
        case "toured":
            ctx.compensate(LegDropped(trip=leg.trip, number=leg.number, kind="toured once more"))
            return [gather([SeatWanted(seat=leg.seat), SeatWanted(seat=f"{leg.seat}+")], then=booked)]
        case "seated":
            return [SeatWanted(seat=leg.seat)]
        case "rival":
            return [SeatWanted(seat=leg.seat, holder=str(leg.number))]
        case "fruitless":
            return [TripNoted(trip=leg.trip)]
    return [booked]


def _fail(kind: str) -> None:
    match kind:
        case "full":
            raise Reject("full")
        case "doomed":
            raise RuntimeError("doomed")
        case "lethal":
            asking().die()


def count_leg(booked: LegBooked, ctx: Context) -> None:
    """Count the leg, in the same commit."""
    ctx.batch.set(ctx.firestore.document(f"trips/{booked.trip}"), {"legs": firestore.Increment(1)}, merge=True)


async def bill_leg(booked: LegBooked, ctx: Context) -> None:
    """Nothing; as a pure function it needs no claim."""


async def hold_seat(wanted: SeatWanted, ctx: Context) -> None:
    """Hold a seat, unless it is a broken one."""
    if wanted.seat.startswith("broken") and not desk.get().mended:
        raise Reject("broken")


async def drop_leg(dropped: LegDropped, ctx: Context) -> list[SeatFreed]:
    """Undo a leg; what could not be booked cannot be dropped for sure either."""
    if dropped.kind == "full" and not desk.get().mended:
        raise Reject("never had it")
    return [SeatFreed(trip=dropped.trip)]


async def free_seat(freed: SeatFreed, ctx: Context) -> None:
    """Nothing, but the tree goes on to here."""


async def finish_trip(ready: TripReady, ctx: Context) -> Result:
    """Say how the job ended."""
    return Result({"trip": ready.trip})


async def notify(settled: JobSettled, ctx: Context) -> None:
    """Stands in for the webhook."""


@cache
def application(max_deliveries: int) -> tuple[Topology, dict[str, Handler]]:
    """Topology and handlers, two of them the real ones; the broker gives up after so many deliveries."""
    project = Project.find()
    handlers = (plan_trip, book_leg, count_leg, bill_leg, hold_seat, drop_leg, free_seat, finish_trip, notify)
    own = {each.__name__: Handler.inspect(each, pure=each is bill_leg) for each in handlers}
    topology = TOPOLOGY.model_copy(update={"limits": Limits(max_deliveries=max_deliveries)})
    return topology, own | {name: project.load_handler(name) for name in ("advance_jobs", "dead_letters")}
