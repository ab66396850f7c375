"""Jobs in Firestore. Works on the memory client as well: what it writes joins a handler's own batch."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from google.cloud import firestore
from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
from google.cloud.firestore_v1.base_document import DocumentSnapshot
from google.cloud.firestore_v1.base_query import FieldFilter

from tidegate.adapters.firestore_calls import FirestoreCalls, copied, counts
from tidegate.adapters.job_documents import (
    ACCEPTED_DAY,
    COMPENSATIONS,
    FAILURES,
    JOBS,
    MARKS,
    NODES,
    SETTLED,
    count_field,
    day,
    failure_fields,
    failure_of,
    job_fields,
    job_of,
    mark_fields,
    mark_of,
    message_fields,
    message_of,
    node_fields,
    node_of,
    state_fields,
    tally_fields,
)
from tidegate.errors import StoreUnavailable, WriteConflict
from tidegate.job_ports import StoredTally
from tidegate.jobs import (
    COMPENSATION,
    MAX_FAILURES,
    Compensation,
    Growth,
    Job,
    JobFailure,
    JobState,
    Mark,
    NewJob,
    Node,
    Progress,
    Turn,
)
from tidegate.places import GATHERING, ROOT, Member, Tally

_CONFLICTS = 5
_UNSETTLED = [each.value for each in JobState if not each.settled]


class FirestoreJobs:
    """Implements `tidegate.ports.Jobs`."""

    def __init__(
        self, client: AsyncClient, *, timeout_seconds: float = 10.0, jitter: Callable[[], float] = random.random
    ) -> None:
        self._client = client
        self._calls = FirestoreCalls(timeout_seconds, jitter)

    async def accept(self, new: NewJob) -> Job:
        try:
            return await self._accept(new)
        except StoreUnavailable:
            # After an idle time the connection may be gone, which nobody has noticed. Should the first commit stand all
            # the same, the second meets it.
            return await self._accept(new)

    async def _accept(self, new: NewJob) -> Job:
        fields = job_fields(new)
        batch = self._client.batch()
        batch.create(self._job(new.id), fields)
        root = Node(new.id, ROOT, len(new.functions))
        batch.set(self._below(new.id, NODES, ROOT), node_fields(root, new.expire_at))
        try:
            await self._calls.commit(new.id, batch)
        except WriteConflict:
            found = await self.read(new.id)
            if found is None:
                raise StoreUnavailable(f"job {new.id} was there and is gone: submit again") from None
            return found
        return job_of(new.id, fields)

    async def read(self, job: str) -> Job | None:
        snapshot = await self._get(self._job(job))
        fields = snapshot.to_dict()
        if fields is None:
            return None
        calm = fields["state"] in (JobState.RUNNING, JobState.SUCCEEDED)
        return job_of(job, fields, () if calm else await self._failures(job, MAX_FAILURES), snapshot.update_time)

    async def failed(self, job: str) -> bool:
        return bool(await self._failures(job, 1))

    async def progress(self, job: str) -> Progress:
        query = self._job(job).collection(NODES).sum("units", alias="known").sum(SETTLED, alias="settled")
        sums = {each.alias: int(each.value) for row in await self._calls.get(job, query) for each in row}
        return Progress(known=sums["known"], settled=sums["settled"])

    async def unsettled(self, topic: str, since: datetime, most: int) -> int:
        jobs = self._client.collection(JOBS).where(filter=FieldFilter("topic", "==", topic))
        jobs = jobs.where(filter=FieldFilter("state", "in", _UNSETTLED))
        query: Any = jobs.where(filter=FieldFilter(ACCEPTED_DAY, ">=", day(since))).limit(most).count()
        return sum(int(each.value) for row in await self._calls.get(topic, query) for each in row)

    async def cancel(self, job: str) -> Job | None:
        return await self._change(
            job,
            when=lambda found: found.state is JobState.RUNNING and found.cancel_requested_at is None,
            fields=lambda found: {"cancel_requested_at": firestore.SERVER_TIMESTAMP},
        )

    async def cancelled(self, job: str) -> bool:
        fields = (await self._get(self._job(job))).to_dict()
        return fields is not None and fields["state"] == JobState.RUNNING and fields["cancel_requested_at"] is not None

    def joined(self, batch: AsyncWriteBatch | None, growth: Growth) -> AsyncWriteBatch:
        joined = copied(self._client, batch)
        for node in growth.nodes:
            joined.set(self._below(growth.job, NODES, node.id), node_fields(node, growth.expire_at))
        for compensation in growth.compensations:
            name = compensation.node.id.removeprefix(COMPENSATION)
            fields = message_fields(compensation.message) | {
                "units": compensation.node.units,
                "registered_at": firestore.SERVER_TIMESTAMP,
                "expire_at": compensation.expire_at,
            }
            joined.set(self._below(growth.job, COMPENSATIONS, name), fields)
        if growth.result is not None:
            joined.set(self._job(growth.job), {"result": growth.result}, merge=True)
        if growth.failure is not None:
            fields = failure_fields(growth.failure, growth.expire_at)
            joined.set(self._below(growth.job, FAILURES, growth.key), fields)
        if growth.mark is not None:
            self._write_mark(joined, growth.job, growth.key, growth.mark, growth.expire_at)
        if growth.settles is not None:
            self._count(joined, growth.settles, growth.expire_at)
        return joined

    async def reopened(self, member: Member, key: str, batch: AsyncWriteBatch | None) -> AsyncWriteBatch:
        batch = copied(self._client, batch)
        batch.delete(self._below(member.job, FAILURES, key))
        for stored in await self._closed_path(member):
            changes = {count_field(stored.tally): firestore.Increment(-1), "closed": False}
            guard = self._client.write_option(last_update_time=stored.version)
            batch.update(self._tally(stored.tally), changes, guard)
        # Asked after the tallies were read: the root closes in the commit that ends the job's running, so if the
        # job still runs, the root was open when it was read, and a guard fails if it is closed from now on.
        if not member.job.startswith(GATHERING):
            job = await self.read(member.job)
            if job is None or job.state is not JobState.RUNNING:
                raise StoreUnavailable(f"job {member.job} has ended meanwhile: the next delivery belongs to no job")
        return batch

    async def _closed_path(self, member: Member) -> list[StoredTally]:
        """The tallies from the one that counts ``member`` up to the first that is not closed."""
        path: list[StoredTally] = []
        below: Member | None = member
        while below is not None and (stored := await self.tally(below.tally)) is not None:
            path.append(stored)
            below = stored.above(below) if stored.closed else None
        return path

    async def mark(self, job: str, key: str) -> Mark:
        snapshot = await self._get(self._below(job, MARKS, key))
        fields = snapshot.to_dict()
        return mark_of(fields, snapshot.update_time) if fields is not None else Mark()

    async def commit(self, batch: AsyncWriteBatch) -> float | None:
        came_to = counts(await self._calls.commit("a job", batch))
        return came_to[-1] if came_to else None

    async def tally(self, tally: Tally) -> StoredTally | None:
        snapshot = await self._get(self._tally(tally))
        fields = snapshot.to_dict()
        if fields is None or "expire_at" not in fields:  # counted after its node had been forgotten
            return None
        return StoredTally(
            tally=tally,
            settled=fields.get(count_field(tally), 0),
            closed=fields.get("closed", False),
            advanced=fields.get("advanced", False),
            node=node_of(tally.job, tally.document, fields) if "up" in fields else None,
            expire_at=fields["expire_at"],
            version=snapshot.update_time,
        )

    async def node(self, job: str, name: str) -> Node | None:
        fields = (await self._get(self._below(job, NODES, name))).to_dict()
        return node_of(job, name, fields) if fields is not None else None

    async def advanced(self, job: str, name: str) -> None:
        batch = self._client.batch()
        batch.set(self._below(job, NODES, name), {"advanced": True}, merge=True)
        await self._calls.commit(name, batch)

    async def close(self, stored: StoredTally, above: Member | None, turn: Turn | None) -> float | None:
        batch = self._client.batch()
        guard = self._client.write_option(last_update_time=stored.version)
        batch.update(self._tally(stored.tally), {"closed": True}, guard)
        if turn is not None:
            as_read = self._client.write_option(last_update_time=turn.job.version)
            batch.update(self._job(turn.job.id), state_fields(turn.state), as_read)
        if above is not None:
            self._count(batch, above, stored.expire_at)
        results = await self._calls.commit(stored.tally.document, batch)
        return counts(results)[-1] if above is not None else None

    async def next_compensation(self, job: str, done: str = "") -> Compensation | None:
        compensations = self._job(job).collection(COMPENSATIONS)
        if done:
            batch = self._client.batch()
            batch.delete(compensations.document(done.removeprefix(COMPENSATION)))
            await self._calls.commit(job, batch)
        latest = compensations.order_by("registered_at", direction=firestore.Query.DESCENDING).limit(1)
        for snapshot in await self._calls.get(job, latest):
            fields = snapshot.to_dict()
            return Compensation(
                Node(job, COMPENSATION + snapshot.id, fields["units"]), message_of(fields), fields["expire_at"]
            )
        return None

    async def begin(self, compensation: Compensation) -> None:
        # Merged, so that a second time takes back nothing that has been counted meanwhile.
        fields = node_fields(compensation.node, compensation.expire_at) | {SETTLED: firestore.Increment(0)}
        del fields["closed"]
        batch = self._client.batch()
        node = compensation.node
        batch.set(self._below(node.job, NODES, node.id), fields, merge=True)
        await self._calls.commit(node.id, batch)

    async def settle(self, job: str) -> Job | None:
        return await self._change(
            job,
            when=lambda found: found.state is JobState.COMPENSATING,
            fields=lambda found: state_fields(JobState.CANCELLED if found.cancel_requested_at else JobState.FAILED),
        )

    async def _change(
        self, job: str, *, when: Callable[[Job], bool], fields: Callable[[Job], dict[str, Any]]
    ) -> Job | None:
        """Change the job's document ``when`` it is to be, as it was read; returns the job as it is afterwards."""
        for _ in range(_CONFLICTS):
            snapshot = await self._get(self._job(job))
            found = snapshot.to_dict()
            if found is None:
                return None
            known = job_of(job, found)
            if not when(known):
                return await self.read(job)
            batch = self._client.batch()
            guard = self._client.write_option(last_update_time=snapshot.update_time)
            batch.update(self._job(job), fields(known), guard)
            with suppress(WriteConflict):
                await self._calls.commit(job, batch)
                return await self.read(job)
        raise StoreUnavailable(f"job {job} was rewritten in each of {_CONFLICTS} tries")

    def _write_mark(self, batch: AsyncWriteBatch, job: str, key: str, mark: Mark, expire_at: datetime) -> None:
        reference, fields = self._below(job, MARKS, key), mark_fields(mark, expire_at)
        if mark.version is None:
            batch.create(reference, fields)
        else:
            batch.update(reference, fields, self._client.write_option(last_update_time=mark.version))

    def _count(self, batch: AsyncWriteBatch, member: Member, expire_at: datetime) -> None:
        """Count a member at its tally; its last write, whose increment is the last of the batch."""
        tally = member.tally
        own = tally.document == member.node
        fields = {} if own else tally_fields(tally, expire_at)
        batch.set(self._tally(tally), {**fields, count_field(tally): firestore.Increment(1)}, merge=True)

    async def _failures(self, job: str, most: int) -> list[JobFailure]:
        query = self._job(job).collection(FAILURES).limit(most)
        return [failure_of(each.to_dict()) for each in await self._calls.get(job, query)]

    async def _get(self, reference: AsyncDocumentReference) -> DocumentSnapshot[Any]:
        return await self._calls.get(reference.path, reference)

    def _tally(self, tally: Tally) -> AsyncDocumentReference:
        return self._below(tally.job, NODES, tally.document)

    def _below(self, job: str, collection: str, name: str) -> AsyncDocumentReference:
        reference: AsyncDocumentReference = self._job(job).collection(collection).document(name)
        return reference

    def _job(self, job: str) -> AsyncDocumentReference:
        return self._client.collection(JOBS).document(job)
