"""Deliberate breaks of the limits per key and of shedding, for the same reason as those of the engine."""

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
from google.cloud.firestore_v1.types import Precondition

from tests.simulation.breaks import Break, named
from tidegate import lanes, limited_slots
from tidegate.adapters.firestore_lanes import FirestoreLanes
from tidegate.classes import Classes
from tidegate.key_limits import Debounce, PerKey
from tidegate.lanes import Admission, Burst, Entrant, GiveWay, Held, Lane, Wait
from tidegate.limited_slots import LimitedSlot
from tidegate.records import Fault, Record, Status
from tidegate.slots import Contested, Slot


def _free_whoever_holds_it() -> AbstractContextManager[Any]:
    """A place is given back without a look at whose it is by now."""
    joined = FirestoreLanes.joined

    def bold(self: FirestoreLanes, batch: Any, key: str, lane: Lane | None, expected: Any) -> AsyncWriteBatch:
        made = joined(self, batch, key, lane, expected)
        if lane is None:
            made._write_pbs[-1].current_document = Precondition()
        return made

    return patch.object(FirestoreLanes, "joined", bold)


def _enter_whoever_came_between() -> AbstractContextManager[Any]:
    """A lane is written whatever has become of it since it was read."""
    joined = FirestoreLanes.joined

    def bold(self: FirestoreLanes, batch: Any, key: str, lane: Lane | None, expected: Any) -> AsyncWriteBatch:
        made = joined(self, batch, key, lane, expected)
        if lane is not None:
            made._write_pbs[-1].current_document = Precondition()
        return made

    return patch.object(FirestoreLanes, "joined", bold)


def _hold_for_ever() -> AbstractContextManager[Any]:
    """A place whose holder died is never free again."""
    enter = lanes.enter

    def endless(limit: PerKey, lane: Lane | None, entrant: Entrant, now: Any) -> Admission:
        return Wait("held") if isinstance(lane, Held) else enter(limit, lane, entrant, now)

    return patch.object(limited_slots, "enter", endless)


def _let_retries_pass() -> AbstractContextManager[Any]:
    """Only the first run of an event asks for a place."""
    return patch.object(LimitedSlot, "_applies", lambda self: self.record is None)


def _give_way_to_anybody() -> AbstractContextManager[Any]:
    """Whatever is later supersedes an event, however far they are apart."""
    debounced = lanes._debounced

    def polite(limit: Debounce, burst: Burst | None, entrant: Entrant, now: Any) -> Admission:
        if burst and (entrant.time, entrant.event_id) < (burst.time, burst.event_id):
            return GiveWay(burst.event_id)
        return debounced(limit, burst, entrant, now)

    return patch.object(lanes, "_debounced", polite)


def _go_by_publication() -> AbstractContextManager[Any]:
    """The latest of a burst is what was published last, copies included."""
    entrant = LimitedSlot._entrant

    def republished(self: LimitedSlot, claim: Any) -> Entrant:
        made = entrant(self, claim)
        return replace(made, time=made.published)

    return patch.object(LimitedSlot, "_entrant", republished)


def _give_way_to_what_ran_before() -> AbstractContextManager[Any]:
    """An event gives way to a later one also if that one's run began before it was published."""
    debounced = lanes._debounced

    def late(limit: Debounce, burst: Burst | None, entrant: Entrant, now: Any) -> Admission:
        if burst and burst.begun_at:
            entrant = replace(entrant, published=burst.begun_at)
        return debounced(limit, burst, entrant, now)

    return patch.object(lanes, "_debounced", late)


def _shed_every_class() -> AbstractContextManager[Any]:
    """The most important events are shed as well, last of all."""

    def impatient(self: Classes, name: str, overload_seconds: float) -> timedelta:
        return timedelta(seconds=overload_seconds * (len(self.ranked) - self.ranked.index(name)))

    return patch.object(Classes, "patience", impatient)


def _shed_what_has_begun() -> AbstractContextManager[Any]:
    """A retry that comes late is shed."""
    write = Slot.write

    async def impatient(self: Slot, record: Record, batch: Any = None) -> None:
        try:
            await write(self, record, batch)
        except Contested as contested:
            found = contested.stored.record if contested.stored else None
            overloaded = record.error is not None and record.error.fault is Fault.OVERLOAD
            if not overloaded or found is None or found.status is not Status.RELEASED:
                raise
            self.meet(contested.stored)
            await write(self, replace(found, status=record.status, owner=record.owner, error=record.error), batch)

    return patch.object(Slot, "write", impatient)


LIMIT_BREAKS: dict[str, Break] = named(
    _free_whoever_holds_it,
    _enter_whoever_came_between,
    _hold_for_ever,
    _let_retries_pass,
    _give_way_to_anybody,
    _go_by_publication,
    _give_way_to_what_ran_before,
    _shed_every_class,
    _shed_what_has_begun,
)
