"""Deliberate breaks of the job tree, for the same reason as those of the engine."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from google.cloud import firestore
from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
from google.cloud.firestore_v1.types import Precondition

from tests.simulation.breaks import Both, Break, named
from tidegate import growths, trees
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.job_documents import state_fields
from tidegate.deliveries import Delivery
from tidegate.job_ports import StoredTally
from tidegate.jobs import Growth, Mark, Turn
from tidegate.places import Member
from tidegate.records import Record, Status
from tidegate.trees import Tree


def _count_every_delivery() -> AbstractContextManager[Any]:
    """A unit is counted when its delivery ends, not in the commit of its record."""
    growth, settled = trees.growth_of, Tree.settled

    def uncounted(*args: Any) -> Growth | None:
        grown = growth(*args)
        return replace(grown, settles=None) if grown else None

    async def counted(self: Tree, delivery: Delivery, record: Record, count: float | None) -> None:
        if delivery.unit and trees.settles(record):
            own = Growth(delivery.unit.job, trees.unit_name(delivery, record), record.expire_at, delivery.unit)
            count = await self._ports.jobs.commit(self._ports.jobs.joined(None, own))
        await settled(self, delivery, record, count)

    return Both(patch.object(trees, "growth_of", uncounted), patch.object(Tree, "settled", counted))


def _close_without_guard() -> AbstractContextManager[Any]:
    """A tally is closed and counted above whatever has become of it since it was read."""

    async def bold(self: FirestoreJobs, stored: StoredTally, above: Member | None, turn: Turn | None) -> float | None:
        batch = self._client.batch()
        batch.update(self._tally(stored.tally), {"closed": True})
        if turn is not None:
            batch.update(self._job(turn.job.id), state_fields(turn.state))
        if above is not None:
            self._count(batch, above, stored.expire_at)
        return await self.commit(batch)

    return patch.object(FirestoreJobs, "close", bold)


def _reopen_without_guard() -> AbstractContextManager[Any]:
    """A unit is reopened whatever was closed above it since."""
    reopened = FirestoreJobs.reopened

    async def bold(self: FirestoreJobs, member: Member, key: str, batch: Any) -> AsyncWriteBatch:
        made = await reopened(self, member, key, batch)
        for write in made._write_pbs:
            if write.current_document.update_time:
                write.current_document = Precondition(exists=True)
        return made

    return patch.object(FirestoreJobs, "reopened", bold)


def _never_climb_on_duplicates() -> AbstractContextManager[Any]:
    """Only the delivery that counted a unit looks whether its tally is complete."""
    settled = Tree.settled

    async def once(self: Tree, delivery: Delivery, record: Record, count: float | None) -> None:
        if count is not None or record.event_id != delivery.event_id:
            await settled(self, delivery, record, count)

    return patch.object(Tree, "settled", once)


def _ignore_redrives() -> AbstractContextManager[Any]:
    """A unit that is redriven stays counted."""

    async def unchanged(self: FirestoreJobs, member: Member, key: str, batch: Any) -> AsyncWriteBatch:
        return self._copy(batch)

    return patch.object(FirestoreJobs, "reopened", unchanged)


def _forget_the_marks() -> AbstractContextManager[Any]:
    """That a unit was counted whose work another event did is written down nowhere."""
    joined = FirestoreJobs.joined

    async def never(self: FirestoreJobs, job: str, key: str) -> Mark:
        return Mark()

    def unmarked(self: FirestoreJobs, batch: Any, growth: Growth) -> AsyncWriteBatch:
        return joined(self, batch, replace(growth, mark=None))

    return Both(patch.object(FirestoreJobs, "mark", never), patch.object(FirestoreJobs, "joined", unmarked))


def _follow_the_first_member() -> AbstractContextManager[Any]:
    """What follows a gathering is published when its first member has settled."""
    climb = Tree._climb

    async def hasty(self: Tree, member: Member, count: float | None) -> None:
        stored = await self._ports.jobs.tally(member.tally)
        if stored and stored.node and stored.node.then:
            await self._announce(stored)
        await climb(self, member, count)

    return patch.object(Tree, "_climb", hasty)


def _announce_what_was_reopened() -> AbstractContextManager[Any]:
    """Whoever finds a tally complete announces it, also where it was reopened before it could be closed."""
    close = Tree._close

    async def optimistic(self: Tree, stored: StoredTally, above: Member | None) -> Any:
        return await close(self, stored, above) or trees._Closed(0)

    return patch.object(Tree, "_close", optimistic)


def _overlook_failures() -> AbstractContextManager[Any]:
    """A job succeeds whatever was given up."""

    async def never(self: FirestoreJobs, job: str) -> bool:
        return False

    return patch.object(FirestoreJobs, "failed", never)


def _keep_failures_of_redriven_work() -> AbstractContextManager[Any]:
    """A failure stays on the list when its event is redriven."""
    reopened = FirestoreJobs.reopened

    async def unforgiving(self: FirestoreJobs, member: Member, key: str, batch: Any) -> AsyncWriteBatch:
        made = await reopened(self, member, key, batch)
        made._write_pbs[:] = [each for each in made._write_pbs if "/job_failures/" not in each.delete]
        return made

    return patch.object(FirestoreJobs, "reopened", unforgiving)


def _compensate_in_order_of_registration() -> AbstractContextManager[Any]:
    """What was registered first is undone first."""
    return patch.object(firestore.Query, "DESCENDING", "ASCENDING")


def _compensate_all_at_once() -> AbstractContextManager[Any]:
    """A compensation does not wait for the one before it."""
    compensate = Tree._compensate

    async def eager(self: Tree, job: str, done: str = "") -> None:
        await compensate(self, job, done)
        following = await self._ports.jobs.next_compensation(job)
        if following is not None:
            await compensate(self, job, following.node.id)

    return patch.object(Tree, "_compensate", eager)


def _count_what_was_redriven_too_late() -> AbstractContextManager[Any]:
    """What is redriven belongs to its job although that has ended."""

    async def never(self: Tree, function: str, delivery: Delivery, met: Record | None) -> bool:
        return False

    return patch.object(Tree, "is_late", never)


def _settle_before_the_children() -> AbstractContextManager[Any]:
    """A unit is taken for settled with its record, whatever that emitted."""

    def concluded(record: Record) -> bool:
        return record.status in (Status.DONE, Status.FAILED)

    return Both(patch.object(growths, "settles", concluded), patch.object(trees, "settles", concluded))


JOB_BREAKS: dict[str, Break] = named(
    _count_every_delivery,
    _close_without_guard,
    _reopen_without_guard,
    _never_climb_on_duplicates,
    _ignore_redrives,
    _forget_the_marks,
    _follow_the_first_member,
    _announce_what_was_reopened,
    _overlook_failures,
    _keep_failures_of_redriven_work,
    _compensate_in_order_of_registration,
    _compensate_all_at_once,
    _count_what_was_redriven_too_late,
    _settle_before_the_children,
)
