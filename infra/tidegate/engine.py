"""The engine: takes one delivery from its message to its verdict.

    read → filter → remember → gate → meet the record → claim → run → commit (done + outbox + batch) → publish → ack

What to do is decided in `decisions`; this is the shell that does it. Whatever fails, the order
holds: no handler runs before its claim stands (a pure one may: it has no effect), nothing is
published before the commit stands, nothing is acked before all that is owed is published.
"""

import asyncio
import traceback
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from tidegate.context import Context
from tidegate.dead_letters import DeadLetter
from tidegate.decisions import (
    Bury,
    Busy,
    Claimant,
    Clash,
    Failed,
    Outcome,
    Resume,
    Returned,
    Run,
    conclude,
    meet,
    unstarted,
    verdict_of,
)
from tidegate.deliveries import Delivery
from tidegate.dependencies import Dependencies
from tidegate.errors import LeaseLost, PublishFailed, PutOff, StoreUnavailable, WriteRefused
from tidegate.finished import Finished
from tidegate.function_config import FunctionConfig
from tidegate.handlers import Handler
from tidegate.inputs import Inbound
from tidegate.limited_slots import NotYet, Superseded, slot_of
from tidegate.outbox import MARK_ABOVE
from tidegate.ports import Ports
from tidegate.records import Failure, Fault, Status
from tidegate.reporting import Ending, conflict_of, report_of
from tidegate.reports import Report
from tidegate.runs import Runner
from tidegate.shedding import overload
from tidegate.slots import Contested, Slot, StateConflict
from tidegate.stopping import Stopping
from tidegate.trees import Tree
from tidegate.verdicts import Verdict
from tidegate.work import Work, under_way

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

_MEETINGS = 5
_STATE_CONFLICTS = 5
_FIRST_PAUSE_SECONDS = 0.02


class Engine:
    """Handles the deliveries of one function; any number of them at the same time."""

    def __init__(
        self,
        handler: Handler,
        config: FunctionConfig,
        ports: Ports,
        dependencies: Dependencies,
        *,
        stopping: Stopping | None = None,
        io_seconds: float = 10.0,
    ) -> None:
        self._handler = handler
        self._config = config
        self._ports = ports
        self._dependencies = dependencies
        self._io_seconds = io_seconds
        self._lease = timedelta(seconds=config.lease_seconds)
        self._lifetime = timedelta(days=config.ledger_days)
        self._runner = Runner(handler, config, ports, stopping or Stopping())
        self._tree = Tree(ports)
        self._finished = Finished()

    @property
    def overrun(self) -> int:
        """How many threads are lost to handlers that ran past their timeout."""
        return self._runner.overrun

    async def deliver(self, inbound: Inbound) -> Report:
        """Handle one message and say how it ended. Only `Verdict.acked` verdicts may be acked."""
        started = asyncio.get_running_loop().time()
        delivery = Delivery.read(inbound, self._handler, self._config, self._ports.clock())
        trace = self._ports.sampling.delivered(inbound.message.attributes, delivery.event_id, self._ports.draw())
        delivery.trace = trace
        work = Work(self._config.function, trace, delivery.event_id, delivery.job, inbound.message.data)
        with under_way(work, self._ports):
            return await self._deliver(delivery, started)

    async def _deliver(self, delivery: Delivery, started: float) -> Report:
        time = asyncio.get_running_loop().time
        slot = slot_of(delivery, self._config, self._ports, self._io_seconds)
        trouble = detail = ""
        try:
            verdict = await self._handle(delivery, slot)
        except (PutOff, NotYet) as put_off:
            verdict, trouble = Verdict.BUSY, str(put_off)
        except (StoreUnavailable, PublishFailed) as error:
            # Fail closed: what is not certain is not acked. The next delivery finds what stands.
            verdict, trouble = Verdict.RETRY, str(error)
        except Exception as error:
            verdict, trouble, detail = Verdict.RETRY, f"fault in the runtime: {error!r}", traceback.format_exc()
        ending = Ending(verdict, trouble, detail, time() - started, self._ports.clock())
        report = report_of(delivery, slot.record, ending, self._config)
        self._ports.observe(report)
        return report

    async def _handle(self, delivery: Delivery, slot: Slot) -> Verdict:
        if not delivery.is_for(self._config.function):
            return Verdict.FILTERED
        if delivery in self._finished:
            return Verdict.DUPLICATE
        unfit = delivery.unfit or await self._tree.unwanted(delivery)
        # What it comes to if nobody has begun with it.
        shed = None if unfit else overload(delivery, self._config, self._ports.clock())
        outcome: Outcome | None = unfit or shed
        if outcome is None:
            await self._dependencies.gate(delivery.event_id)
        for _ in range(_MEETINGS):
            if await self._tree.is_late(self._config.function, delivery, slot.record):
                delivery, outcome = replace(delivery, late=True), unfit or shed  # what it emits has no place either
            if outcome is None and self._handler.pure:
                # Without a record: a pure handler has none while it runs.
                outcome, _ = await self._outcome(delivery, Slot(self._ports, slot.key, self._io_seconds))
            match meet(slot.record, self._claimant(delivery), self._ports.clock()):
                case Run(claim):
                    wanted = claim if outcome is None else conclude(claim, outcome, self._config.attempts)
                case Bury(failed):
                    wanted = failed
                case Resume():
                    await self._discharge(slot, delivery)
                    return Verdict.DUPLICATE
                case Busy():
                    return Verdict.BUSY
                case Clash():
                    return await self._refuse(delivery, slot)
            try:
                await slot.write(wanted, await self._tree.joined(delivery, slot.record, wanted, outcome, None))
            except Contested as contested:
                slot.meet(contested.stored)
                if shed is not None:
                    shed, outcome = None, unfit
                    await self._dependencies.gate(delivery.event_id)
                continue
            except Superseded as superseded:
                outcome = shed = superseded.outcome
                continue
            except StateConflict:
                continue  # what is to be reopened has changed since it was read
            except WriteRefused as error:
                if not isinstance(outcome, Returned):
                    raise
                outcome = _instead(outcome, _uncommittable(error))
                continue
            return await (
                self._run(delivery, slot) if wanted.status is Status.CLAIMED else self._settle(delivery, slot)
            )
        return Verdict.BUSY

    async def _run(self, delivery: Delivery, slot: Slot) -> Verdict:
        """The claim stands: run the handler and commit what came of it."""
        try:
            await self._run_until_concluded(delivery, slot)
        except LeaseLost as lost:
            return await self._after_loss(delivery, slot, lost)
        return await self._settle(delivery, slot)

    async def _run_until_concluded(self, delivery: Delivery, slot: Slot) -> None:
        for conflict in range(_STATE_CONFLICTS):
            try:
                outcome, batch = await self._outcome(delivery, slot)
            except PutOff:
                assert slot.record is not None
                await slot.write(unstarted(slot.record))
                raise
            try:
                return await self._conclude(delivery, slot, outcome, batch)
            except WriteRefused as error:
                return await self._conclude(delivery, slot, _instead(outcome, _uncommittable(error)))
            except StateConflict:
                # The state that the handler read has changed since: run it again on fresh reads.
                await asyncio.sleep(self._ports.jitter(_FIRST_PAUSE_SECONDS * 2**conflict))
        reason = f"the handler's own preconditions failed {_STATE_CONFLICTS} times in a row: too much contention"
        return await self._conclude(delivery, slot, _instead(outcome, Failed(Failure(Fault.ERROR, reason))))

    async def _outcome(self, delivery: Delivery, slot: Slot) -> "tuple[Outcome, AsyncWriteBatch | None]":
        """How one run of the handler ends, and what it wants to be written; nothing of it runs on afterwards."""
        context = Context(delivery, self._config, slot, self._ports, self._dependencies, self._tree)
        try:
            outcome = await self._runner.run(delivery, context)
        finally:
            batch = context.close()
        if context.compensations:
            outcome = replace(outcome, compensations=tuple(context.compensations))
        return outcome, batch

    async def _conclude(
        self, delivery: Delivery, slot: Slot, outcome: Outcome, batch: "AsyncWriteBatch | None" = None
    ) -> None:
        assert slot.record is not None
        concluded = conclude(slot.record, outcome, self._config.attempts)
        own = batch if concluded.status is Status.DONE else None
        await slot.write(concluded, await self._tree.joined(delivery, slot.record, concluded, outcome, own))

    async def _after_loss(self, delivery: Delivery, slot: Slot, lost: LeaseLost) -> Verdict:
        """Another delivery has the record. If it brought it to an end, help to publish what it owes."""
        if isinstance(lost, Contested):
            slot.meet(lost.stored)
            if slot.record is not None and slot.record.status in (Status.DONE, Status.FAILED):
                await self._discharge(slot, delivery)
                return Verdict.DUPLICATE
        return Verdict.BUSY

    async def _settle(self, delivery: Delivery, slot: Slot) -> Verdict:
        """Our conclusion stands: see to what it owes."""
        await self._discharge(slot, delivery)
        assert slot.record is not None
        return verdict_of(slot.record)

    async def _discharge(self, slot: Slot, delivery: Delivery) -> None:
        """Publish what a final record owes, and close the joins that it completes."""
        count = slot.counts[-1] if slot.counts else None
        await self._publish(slot, delivery)
        assert slot.record is not None
        await self._tree.settled(delivery, slot.record, count)
        if slot.record.status is Status.DONE:
            self._finished.add(delivery)

    async def _publish(self, slot: Slot, delivery: Delivery) -> None:
        record = slot.record
        assert record is not None
        match record.status:
            case Status.DONE if record.outbox and not record.published:
                await self._ports.send(record.outbox)
                if len(record.outbox) > MARK_ABOVE:
                    # The mark only spares work: without it a duplicate publishes the same ids again.
                    with suppress(Contested, StoreUnavailable, WriteRefused):
                        await slot.write(replace(record, published=True))
            case Status.FAILED if record.error is not None and not record.error.fault.shed:
                await self._publish_dead_letter(delivery, record.error, record.attempt)
            case _:
                pass

    async def _refuse(self, delivery: Delivery, slot: Slot) -> Verdict:
        """The record belongs to another payload. Without a record of its own this message's letter is
        published at each delivery until one is acked; its id keeps it one letter."""
        failure = conflict_of(delivery)
        await self._publish_dead_letter(delivery, failure, attempts=0)
        assert slot.record is not None
        await self._tree.refused(delivery, slot.record, failure)
        return Verdict.DEAD

    async def _publish_dead_letter(self, delivery: Delivery, failure: Failure, attempts: int) -> None:
        letter = DeadLetter.build(
            self._config.function,
            delivery.event_id,
            failure,
            delivery.message,
            attempts=attempts,
            died_at=self._ports.clock(),
        )
        assert delivery.trace is not None
        await self._ports.publisher.publish([letter.outgoing(self._config.dead_letter_topic, delivery.trace)])

    def _claimant(self, delivery: Delivery) -> Claimant:
        return Claimant(
            function=self._config.function,
            event_id=delivery.event_id,
            owner=self._ports.draw(),
            payload_hash=delivery.payload_hash,
            redrive=delivery.redrive,
            lease=self._lease,
            lifetime=self._lifetime,
            attempts=self._config.attempts,
        )


def _uncommittable(error: WriteRefused) -> Failed:
    return Failed(Failure(Fault.ERROR, f"cannot be committed: {error}"), permanent=True)


def _instead(outcome: Outcome, failed: Failed) -> Failed:
    """A failure to commit an outcome: what the handler did has to be undone all the same."""
    return replace(failed, compensations=outcome.compensations)
