"""A job's tree as one function's deliveries change it: what they settle, and what follows from that.

A unit settles in the very commit that concludes its record, so it is counted once, whatever is
repeated. Whoever completes a tally closes it: one guarded write that also counts it at the tally
above, up to the job itself. A worker that dies in between has not acked its message; the next
delivery of it climbs the same path, and goes on where a tally is complete and not closed.

What a closed join owes (the event after a gathering, compensations, the callback) may be of any
topic, so it is left to one system function with the rights to publish there, by `ADVANCED`.
"""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from tidegate.cancellations import Cancellations
from tidegate.decisions import Failed, Outcome
from tidegate.deliveries import Delivery
from tidegate.errors import StoreUnavailable, WriteConflict
from tidegate.events import Event, child_id
from tidegate.growths import failure_of, growth_of, settles, unit_name
from tidegate.job_ports import StoredTally
from tidegate.jobs import ADVANCED, COMPENSATION, SETTLED, Growth, Job, JobState, Mark, Turn
from tidegate.messages import Outgoing
from tidegate.places import ROOT, Member
from tidegate.ports import Ports
from tidegate.records import Failure, Fault, Record, Status, record_key
from tidegate.traces import LINK
from tidegate.work import current

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

_TRIES = 5
_FIRST_PAUSE_SECONDS = 0.02
_CANCELLED = Failed(Failure(Fault.CANCELLED, "the job was cancelled"), permanent=True)


class Tree:
    """Jobs, as one instance of a function works on them."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._cancellations = Cancellations(ports.jobs, ports.clock)

    async def is_cancelled(self, job: str) -> bool:
        """Whether somebody asked for the job's end; may be late by some seconds."""
        return await self._cancellations.include(job)

    async def is_late(self, function: str, delivery: Delivery, met: Record | None) -> bool:
        """Whether the unit of ``function`` was counted before, and its job has ended since; ``met`` is its record.

        Nothing of it concerns the job any more then: so nothing of a job changes after its end.

        Raises:
            StoreUnavailable: nobody knows.
        """
        if not delivery.job:
            return False
        if delivery.shares_work:
            counted = (await self._ports.jobs.mark(delivery.job, record_key(function, delivery.event_id))).counted
        else:
            counted = delivery.redrive > 0 or (met is not None and met.redrive > 0)
        if not counted:
            return False
        job = await self._ports.jobs.read(delivery.job)
        return job is None or job.state is not JobState.RUNNING

    async def unwanted(self, delivery: Delivery) -> Failed | None:
        """Why the delivery's work is not wanted any more, if it is not."""
        if not delivery.job:
            return None
        # Not to know is no reason to stop: a job that goes on can still be compensated.
        with suppress(StoreUnavailable):
            return _CANCELLED if await self.is_cancelled(delivery.job) else None
        return None

    async def joined(
        self,
        delivery: Delivery,
        before: Record | None,
        after: Record,
        outcome: Outcome | None,
        batch: "AsyncWriteBatch | None",
    ) -> "AsyncWriteBatch | None":
        """``batch``, and with it what the step from ``before`` to ``after`` changes in the delivery's job.

        A unit whose record another event may claim as well is marked when it is counted, and only the mark
        says so. A redrive marks it as open when it takes it up, so that no earlier delivery, which still sees what
        was given up, counts it meanwhile. Any other unit has been counted exactly when its record is ``failed``.
        """
        growth = growth_of(delivery, after, outcome, self._ports.clock())
        unit, jobs = delivery.awaited, self._ports.jobs
        if unit is None:
            return jobs.joined(batch, growth) if growth else batch
        name = unit_name(delivery, after)
        mark = await jobs.mark(unit.job, name) if delivery.shares_work else None
        counted = mark.counted if mark else before is not None and before.status is Status.FAILED
        if counted:
            batch = await jobs.reopened(unit, name, batch)
        settles = growth is not None and growth.settles is not None
        if mark and (counted or settles or delivery.redrive > mark.redrive):
            growth = growth or Growth(unit.job, name, after.expire_at)
            growth = replace(growth, mark=_marked(mark, delivery, counted=settles))
        return jobs.joined(batch, growth) if growth else batch

    async def settled(self, delivery: Delivery, record: Record, count: float | None) -> None:
        """What follows from a concluded record; ``count`` is what its unit's tally came to, where that is known."""
        unit = delivery.unit
        if unit is None:
            return
        if delivery.late:
            await self._climb(unit, None)  # it closes nothing, but may repeat what is owed
        elif record.event_id != delivery.event_id:
            await self._settled_by_another(delivery, record, record.error)
        elif settles(record):
            await self._climb(unit, count)

    async def refused(self, delivery: Delivery, record: Record, failure: Failure) -> None:
        """What follows from a message that cannot have the record it met."""
        if delivery.awaited and record.event_id != delivery.event_id:
            await self._settled_by_another(delivery, record, failure)

    async def advance(self, job: str, node: str) -> None:
        """Publish what a closed node owes. The events' ids are their own, so that doing it twice is harmless."""
        if node == ROOT:
            found = await self._ports.jobs.read(job)
            if found is not None and found.state is JobState.COMPENSATING:
                await self._compensate(job)
            elif found is not None:
                await self._tell(found)
        elif node.startswith(COMPENSATION):
            await self._compensate(job, done=node)
        else:
            closed = await self._ports.jobs.node(job, node)
            if closed is not None and closed.then is not None:
                await self._ports.send([_linked(closed.then)])
        await self._ports.jobs.advanced(job, node)

    async def _settled_by_another(self, delivery: Delivery, record: Record, error: Failure | None) -> None:
        """Another event was the same work: this one's unit settles with a mark, since no record is its own."""
        unit, jobs = delivery.unit, self._ports.jobs
        assert unit is not None
        name = unit_name(delivery, record)
        failure = failure_of(delivery, record, error, self._ports.clock())
        growth = Growth(unit.job, name, record.expire_at, unit, failure)
        for number in range(_TRIES):
            mark = await jobs.mark(unit.job, name)
            if mark.counted and (failure is not None or not delivery.redrive):
                return await self._climb(unit, None)
            if mark.redrive > delivery.redrive:
                return None  # a redrive has taken it up, and counts it
            # Counted all the same, it was given up and is done after all.
            batch = await jobs.reopened(unit, name, None) if mark.counted else None
            counting = replace(growth, mark=_marked(mark, delivery, counted=True))
            try:
                count = await jobs.commit(jobs.joined(batch, counting))
            except WriteConflict:
                await asyncio.sleep(self._ports.jitter(_FIRST_PAUSE_SECONDS * 2**number))
            else:
                return await self._climb(unit, count)
        raise StoreUnavailable(f"{name} of job {unit.job} could not be counted")

    async def _climb(self, member: Member, count: float | None) -> None:
        """Close every tally that is complete, from that of ``member`` up; ``count`` is what it came to, if known."""
        below: Member | None = member
        while below is not None:
            if count is not None and count < below.tally.members:
                return
            stored = await self._ports.jobs.tally(below.tally)
            if stored is None or not stored.complete:
                return
            above = stored.above(below)
            closed = await self._close(stored, above)
            if closed is None:
                return
            await self._announce(stored, closed.turn)
            below, count = above, closed.count

    async def _close(self, stored: StoredTally, above: Member | None) -> "_Closed | None":
        """Close a complete tally, unless somebody has; None where it was reopened instead.

        Raises:
            StoreUnavailable: it could not be settled who closes it; the next delivery finds out.
        """
        for number in range(_TRIES):
            if stored.closed:
                return _Closed()
            turn = await self._turn(stored.tally.job) if stored.tally.document == ROOT else None
            try:
                return _Closed(await self._ports.jobs.close(stored, above, turn), turn)
            except WriteConflict:
                await asyncio.sleep(self._ports.jitter(_FIRST_PAUSE_SECONDS * 2**number))
            found = await self._ports.jobs.tally(stored.tally)
            if found is None or not found.complete:
                return None  # whoever completes it again goes on
            stored = found
        raise StoreUnavailable(f"{stored.tally.document} of job {stored.tally.job} could not be closed")

    async def _turn(self, job: str) -> Turn | None:
        """What becomes of a job all of whose work has settled."""
        found = await self._ports.jobs.read(job)
        if found is None:
            return None
        cancelled = found.cancel_requested_at is not None
        if not cancelled and not await self._ports.jobs.failed(job):
            return Turn(found, JobState.SUCCEEDED)
        if await self._ports.jobs.next_compensation(job):
            return Turn(found, JobState.COMPENSATING)
        return Turn(found, JobState.CANCELLED if cancelled else JobState.FAILED)

    async def _announce(self, closed: StoredTally, turn: Turn | None) -> None:
        """Have published what a closed node owes; ``turn`` is what its job took with it, if that is known."""
        node = closed.node
        if node is None or closed.advanced:
            return
        if node.id == ROOT:
            job = turn.job if turn else await self._ports.jobs.read(node.job)
            state = turn.state if turn else job and job.state
            owes = job is not None and (state is JobState.COMPENSATING or bool(job.callback_url))
        else:
            owes = node.then is not None or node.id.startswith(COMPENSATION)
        if owes:
            await self._ports.publisher.publish([self._event(ADVANCED, node.job, node.id, {"node": node.id})])

    async def _compensate(self, job: str, done: str = "") -> None:
        compensation = await self._ports.jobs.next_compensation(job, done)
        if compensation is not None:
            await self._ports.jobs.begin(compensation)
            await self._ports.send([_linked(compensation.message)])
        elif ended := await self._ports.jobs.settle(job):
            await self._tell(ended)

    async def _tell(self, job: Job) -> None:
        if job.callback_url and job.state.settled:
            data = {"state": job.state.value, "callback_url": job.callback_url}
            await self._ports.publisher.publish([self._event(SETTLED, job.id, ROOT, data)])

    def _event(self, event_type: str, job: str, node: str, data: dict[str, str]) -> Outgoing:
        work = current()
        event = Event(
            id=child_id(event_type, job, node),
            type=event_type,
            source=f"/jobs/{job}",
            data=json.dumps({"job_id": job, **data}).encode(),
            time=self._ports.clock(),
            version=1,
            extensions=MappingProxyType(work.trace.extensions() if work else {}),
        )
        return Outgoing(event_type, event.data, event.attributes())


def _marked(found: Mark, delivery: Delivery, *, counted: bool) -> Mark:
    """The mark of the delivery's unit, in place of the one that was found."""
    return replace(found, counted=counted, redrive=max(delivery.redrive, found.redrive))


def _linked(message: Outgoing) -> Outgoing:
    """A stored message as it is published: it comes of the span that stored it, and links to the one that sends it."""
    work = current()
    return replace(message, attributes={**message.attributes, LINK: work.trace.traceparent}) if work else message


@dataclass(frozen=True, slots=True)
class _Closed:
    """A tally is closed.

    Attributes:
        count: what the one above it came to, where that is known.
        turn: what became of the job with it, likewise.
    """

    count: float | None = None
    turn: Turn | None = None
