"""Deliberate breaks of the engine: a proof that finds none of its own faults proves nothing.

Each break is a mistake that somebody could make while changing the engine. The simulation has to
find every one of them.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from typing import Any
from unittest.mock import patch

from tidegate import context, decisions, engine, outbox, service, slots
from tidegate.adapters.firestore_ledger import FirestoreLedger
from tidegate.adapters.memory_broker import MemoryBroker
from tidegate.decisions import Busy, Claimant, Decision, Resume, Returned, Run
from tidegate.deliveries import Delivery
from tidegate.engine import Engine
from tidegate.errors import PublishFailed, StoreUnavailable, WriteConflict
from tidegate.messages import Outgoing
from tidegate.records import Fault, Record, Status
from tidegate.slots import Contested, Slot
from tidegate.verdicts import Verdict

Break = Callable[[], AbstractContextManager[Any]]


def _drop_the_fence() -> AbstractContextManager[Any]:
    """Writes go through whatever the record's version is."""
    write = FirestoreLedger.write

    async def unguarded(self: FirestoreLedger, key: str, record: Record, expected: Any, batch: Any = None) -> Any:
        stored = await self.read(key)
        return await write(self, key, record, stored.version if expected is not None and stored else expected, batch)

    return patch.object(FirestoreLedger, "write", unguarded)


def _ignore_the_owner() -> AbstractContextManager[Any]:
    """A write without a clear answer is taken to stand if there is any record of the same status."""

    async def write(self: Slot, record: Record, batch: Any = None) -> None:
        try:
            written = await self._bounded(self._ports.ledger.write(self.key, record, self._version, batch))
            version = written.version
        except (WriteConflict, StoreUnavailable):
            stored = await self._bounded(self._ports.ledger.read(self.key))
            if stored is None or stored.record.status is not record.status:
                raise Contested(stored) from None
            version = stored.version
        self.meet(slots.Stored(record, version))

    return patch.object(Slot, "write", write)


def _believe_failures() -> AbstractContextManager[Any]:
    """A commit without a clear answer is taken to have failed, and its work to be undone."""
    write = Slot.write

    async def hasty(self: Slot, record: Record, batch: Any = None) -> None:
        if record.status is not Status.DONE or self._version is None:
            return await write(self, record, batch)
        try:
            written = await self._bounded(self._ports.ledger.write(self.key, record, self._version, batch))
            version = written.version
        except StoreUnavailable:
            stored = await self._bounded(self._ports.ledger.read(self.key))
            self.meet(stored)
            released = replace(record, status=Status.RELEASED, outbox=())
            return await write(self, released)
        self.meet(slots.Stored(record, version))
        return None

    return patch.object(Slot, "write", hasty)


def _publish_before_commit() -> AbstractContextManager[Any]:
    """Events leave as soon as the handler has returned them, under ids of that attempt."""
    returned = outbox.returned
    numbers = itertools.count()

    def eager(*args: Any, **kwargs: Any) -> Returned:
        result = returned(*args, **kwargs)
        attempt = next(numbers)
        return replace(
            result,
            outbox=tuple(
                replace(each, attributes={**each.attributes, "ce-id": f"{each.attributes['ce-id']}-{attempt}"})
                for each in result.outbox
            ),
        )

    write = Slot.write

    async def publish_first(self: Slot, record: Record, batch: Any = None) -> None:
        if record.status is Status.DONE and record.outbox:
            await self._ports.publisher.publish(record.outbox)
        await write(self, record, batch)

    stack = patch.object(Slot, "write", publish_first)
    return Both(stack, patch("tidegate.runs.returned", eager))


def _draw_child_ids() -> AbstractContextManager[Any]:
    """Every publish gives the events fresh ids."""
    publish = Engine._publish
    numbers = itertools.count()

    async def renamed(self: Engine, slot: Slot, delivery: Delivery) -> None:
        record = slot.record
        assert record is not None
        fresh = tuple(
            replace(each, attributes={**each.attributes, "ce-id": f"drawn-{next(numbers)}"}) for each in record.outbox
        )
        slot.record = replace(record, outbox=fresh)
        await publish(self, slot, delivery)
        slot.record = record

    return patch.object(Engine, "_publish", renamed)


def _ack_before_publish() -> AbstractContextManager[Any]:
    """The delivery is answered while its events are still on their way."""
    publish = Engine._publish
    background: set[asyncio.Task[None]] = set()

    async def later(self: Engine, slot: Slot, delivery: Delivery) -> None:
        task = asyncio.get_running_loop().create_task(publish(self, slot, delivery))
        background.add(task)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    return patch.object(Engine, "_publish", later)


def _swallow_publish_failures() -> AbstractContextManager[Any]:
    """A publish that fails is logged and forgotten."""
    publish = Engine._publish

    async def shrug(self: Engine, slot: Slot, delivery: Delivery) -> None:
        try:
            await publish(self, slot, delivery)
        except PublishFailed:
            return

    return patch.object(Engine, "_publish", shrug)


def _skip_resumption() -> AbstractContextManager[Any]:
    """A duplicate is acked without publishing what its record owes."""
    meet, publish = engine.meet, Engine._publish
    final: list[Record | None] = []

    def remembered(found: Record | None, claimant: Claimant, now: datetime) -> Decision:
        decision = meet(found, claimant, now)
        if isinstance(decision, Resume):
            final.append(found)
        return decision

    async def own_only(self: Engine, slot: Slot, delivery: Delivery) -> None:
        if not any(slot.record is each for each in final):
            await publish(self, slot, delivery)

    return Both(patch.object(engine, "meet", remembered), patch.object(Engine, "_publish", own_only))


def _remember_too_early() -> AbstractContextManager[Any]:
    """An instance takes for finished what it has committed, whether it is published or not."""
    discharge = Engine._discharge

    async def hasty(self: Engine, slot: Slot, delivery: Delivery) -> None:
        if slot.record is not None and slot.record.status is Status.DONE:
            self._finished.add(delivery)
        await discharge(self, slot, delivery)

    return patch.object(Engine, "_discharge", hasty)


def _shed_before_looking() -> AbstractContextManager[Any]:
    """An expired event is acked without a look at what was already done for it."""
    handle = Engine._handle

    async def hasty(self: Engine, delivery: Delivery, slot: Slot) -> Verdict:
        if delivery.unfit is not None and delivery.unfit.failure.fault is Fault.EXPIRED:
            return Verdict.SHED
        return await handle(self, delivery, slot)

    return patch.object(Engine, "_handle", hasty)


def _count_busy() -> AbstractContextManager[Any]:
    """A delivery that finds the record taken spends an attempt."""
    meet = engine.meet

    def counted(found: Record | None, claimant: Claimant, now: datetime) -> Decision:
        decision = meet(found, claimant, now)
        if isinstance(decision, Busy) and found is not None:
            return Run(replace(found, attempt=found.attempt + 1))
        return decision

    return patch.object(engine, "meet", counted)


def _ignore_live_leases() -> AbstractContextManager[Any]:
    """A live lease keeps nobody from taking over."""
    meet = engine.meet

    def greedy(found: Record | None, claimant: Claimant, now: datetime) -> Decision:
        decision = meet(found, claimant, now)
        if isinstance(decision, Busy) and found is not None:
            return Run(replace(found, owner=claimant.owner))
        return decision

    return patch.object(engine, "meet", greedy)


def _commit_state_apart() -> AbstractContextManager[Any]:
    """The handler's own writes are committed first, the record after them."""
    write = FirestoreLedger.write

    async def apart(self: FirestoreLedger, key: str, record: Record, expected: Any, batch: Any = None) -> Any:
        if batch is not None:
            copy = batch._client.batch()
            copy._write_pbs = list(batch._write_pbs)
            service = getattr(batch._client._firestore_api_internal, "service", None)
            copy._client._firestore_api_internal, kept = service, copy._client._firestore_api_internal
            try:
                await copy.commit()
            finally:
                copy._client._firestore_api_internal = kept
        return await write(self, key, record, expected)

    return patch.object(FirestoreLedger, "write", apart)


def _forget_steps() -> AbstractContextManager[Any]:
    """A takeover starts from an empty record."""
    take_over = decisions._take_over

    def clean(found: Record, claimant: Claimant, now: datetime) -> Record:
        return replace(take_over(found, claimant, now), steps={})

    return patch.object(decisions, "_take_over", clean)


def _forget_attempts() -> AbstractContextManager[Any]:
    """A takeover counts from one again."""
    take_over = decisions._take_over

    def first(found: Record, claimant: Claimant, now: datetime) -> Record:
        return replace(take_over(found, claimant, now), attempt=1)

    return patch.object(decisions, "_take_over", first)


def _never_expire_leases() -> AbstractContextManager[Any]:
    """A claim whose process died blocks its event for ever."""
    fresh = decisions._fresh

    def endless(claimant: Claimant, now: datetime) -> Record:
        claim = fresh(claimant, now)
        return replace(claim, lease_until=claim.expire_at)

    return patch.object(decisions, "_fresh", endless)


def _ack_what_is_busy() -> AbstractContextManager[Any]:
    """A delivery that finds the record taken is acked: somebody else is at it, after all."""
    return _status(Verdict.BUSY, 200)


def _lose_order() -> AbstractContextManager[Any]:
    """The broker takes no notice of ordering keys."""
    accept = MemoryBroker._accept

    def unkeyed(self: MemoryBroker, outgoing: Outgoing) -> None:
        accept(self, replace(outgoing, key=""))

    return patch.object(MemoryBroker, "_accept", unkeyed)


def _ack_failures() -> AbstractContextManager[Any]:
    """A delivery that has to be tried again is acked."""
    return _status(Verdict.RETRY, 200)


def _ignore_idempotency_key() -> AbstractContextManager[Any]:
    """The key given to outside services differs at each attempt."""
    numbers = itertools.count()
    return patch.object(context.Context, "idempotency_key", lambda self, name: f"{name}-{next(numbers)}")


def _status(verdict: Verdict, status: int) -> AbstractContextManager[Any]:
    return patch.dict(service._STATUS, {verdict: status})


class Both:
    """Two patches as one."""

    def __init__(self, *parts: AbstractContextManager[Any]) -> None:
        self._parts: Sequence[AbstractContextManager[Any]] = parts

    def __enter__(self) -> None:
        for part in self._parts:
            part.__enter__()

    def __exit__(self, *error: Any) -> None:
        for part in reversed(self._parts):
            part.__exit__(*error)


def named(*makers: Break) -> dict[str, Break]:
    """Breaks by what they do."""
    return {make.__name__.removeprefix("_").replace("_", " "): make for make in makers}


BREAKS: dict[str, Break] = named(
    _drop_the_fence,
    _ignore_the_owner,
    _believe_failures,
    _publish_before_commit,
    _draw_child_ids,
    _ack_before_publish,
    _swallow_publish_failures,
    _skip_resumption,
    _remember_too_early,
    _shed_before_looking,
    _count_busy,
    _ignore_live_leases,
    _commit_state_apart,
    _forget_steps,
    _forget_attempts,
    _never_expire_leases,
    _ack_what_is_busy,
    _ack_failures,
    _lose_order,
    _ignore_idempotency_key,
)
