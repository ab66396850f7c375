"""What Pub/Sub's own dead-letter policy gave up on: nobody knows how far its function had come with it."""

import hashlib
from dataclasses import replace
from datetime import timedelta

from tidegate.dead_letters import DeadLetter
from tidegate.deliveries import Delivery
from tidegate.errors import LeaseLost, StoreUnavailable
from tidegate.function_config import FunctionConfig
from tidegate.messages import Message
from tidegate.places import Place
from tidegate.ports import Ports
from tidegate.records import Failure, Record, Status, idempotency_key, record_key
from tidegate.slots import Slot
from tidegate.trees import Tree


async def settle(letter: DeadLetter, *, config: FunctionConfig, ports: Ports, tree: Tree, io_seconds: float) -> bool:
    """See to what the letter's function had committed, or that its job does not wait for it any more.

    Returns:
        Whether it had committed, so that nothing is dead after all.

    Raises:
        StoreUnavailable: the ledger gave no clear answer, the function is still at work on it, or somebody else has
            written the record meanwhile; try again.
    """
    delivery = _delivery(letter, config)
    slot = Slot(ports, record_key(letter.function, delivery.key), io_seconds)
    slot.meet(await ports.ledger.read(slot.key))
    record = slot.record
    delivery = replace(delivery, late=await tree.is_late(letter.function, delivery, record))
    if record is not None and record.payload_hash != delivery.payload_hash:
        await tree.refused(delivery, record, Failure(letter.fault, letter.reason))
        return False
    done = record is not None and record.status is Status.DONE
    if record is not None and done:
        await ports.send(record.outbox)
    if delivery.unit is None:
        return done
    if not delivery.late and (record is None or record.status in (Status.CLAIMED, Status.RELEASED)):
        failed = _given_up(record, letter, delivery, config, ports)
        try:
            await slot.write(failed, await tree.joined(delivery, record, failed, None, None))
        except LeaseLost as lost:
            # Not as it is: it would pass for the loss of the caller's own record.
            raise StoreUnavailable(f"{letter.function} and {letter.event_id}: {lost}") from lost
    if slot.record is not None:
        await tree.settled(delivery, slot.record, slot.counts[-1] if slot.counts else None)
    return done


def _delivery(letter: DeadLetter, config: FunctionConfig) -> Delivery:
    """The delivery that the letter's function never ended."""
    field = config.idempotency_of.get(letter.function, "event.id")
    try:
        key = idempotency_key(field, letter.event_id, letter.data)
    except (KeyError, ValueError, RecursionError):
        key = letter.event_id  # as where the function itself finds it unfit
    place = Place.read(letter.attributes)
    return Delivery(
        Message(letter.event_id, letter.data, letter.attributes),
        letter.event_id,
        key,
        hashlib.sha256(letter.data).hexdigest(),
        redrive=letter.redrive,
        unit=place.unit(letter.function) if place else None,
    )


def _given_up(
    found: Record | None, letter: DeadLetter, delivery: Delivery, config: FunctionConfig, ports: Ports
) -> Record:
    """The record of what is not delivered any more. Whoever still holds a lease on it would lose its work."""
    now = ports.clock()
    if found is not None and found.status is Status.CLAIMED and found.lease_until > now:
        raise StoreUnavailable(f"{letter.function} is still at work on {letter.event_id}, until {found.lease_until}")
    failure = Failure(letter.fault, letter.reason)
    if found is not None:
        owner = ports.draw()
        return replace(found, event_id=letter.event_id, status=Status.FAILED, owner=owner, error=failure)
    return Record(
        function=letter.function,
        event_id=letter.event_id,
        status=Status.FAILED,
        owner=ports.draw(),
        attempt=0,
        lease_until=now,
        payload_hash=delivery.payload_hash,
        expire_at=now + timedelta(days=config.ledger_days),
        redrive=letter.redrive,
        error=failure,
    )
