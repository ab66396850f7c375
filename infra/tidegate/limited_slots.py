"""A record whose claims are limited per key."""

from datetime import timedelta
from typing import TYPE_CHECKING

from tidegate.decisions import Failed
from tidegate.deliveries import Delivery
from tidegate.errors import LeaseLost, TidegateError, WriteConflict
from tidegate.function_config import FunctionConfig
from tidegate.key_limits import PerKey
from tidegate.lanes import Enter, Entrant, GiveWay, Held, Lane, Wait, enter, lane_key
from tidegate.ports import Ports, StoredLane
from tidegate.records import Failure, Fault, Record, Status, record_key
from tidegate.slots import Contested, Slot, StateConflict
from tidegate.versions import Version

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

_TRIES = 5
_LOST = "the lease was over, and the place in the key's lane is another's"


class NotYet(TidegateError):
    """The limit of the event's key does not let it run now: let it come again, at no cost of an attempt."""


class Superseded(TidegateError):
    """A later event of the same key makes this one needless, and nothing of it has begun.

    Attributes:
        outcome: how it is concluded.
    """

    def __init__(self, later: str) -> None:
        super().__init__(f"superseded by {later}")
        self.outcome = Failed(Failure(Fault.SUPERSEDED, str(self)), permanent=True)


def slot_of(delivery: Delivery, config: FunctionConfig, ports: Ports, io_seconds: float) -> Slot:
    """The delivery's view of its record; with a limit per key where its event has such a key."""
    key, limit = record_key(config.function, delivery.key), config.per_key
    lane = lane_key(limit, config.function, delivery.event) if limit and delivery.event else None
    if limit is None or lane is None:
        return Slot(ports, key, io_seconds)
    lease = timedelta(seconds=config.lease_seconds)
    return LimitedSlot(ports, key, io_seconds, limit=limit, lane=lane, lease=lease, delivery=delivery)


class LimitedSlot(Slot):
    """A slot whose claims pass through the lane of the event's key.

    A place in the lane is taken in the commit of the claim and given back in the commit that ends
    the claim, however it ends. Both are guarded by the lane's version: a delivery that lost its
    place to another, because its lease was over, cannot commit, and frees no place but its own.
    """

    def __init__(
        self,
        ports: Ports,
        key: str,
        io_seconds: float,
        *,
        limit: PerKey,
        lane: str,
        lease: timedelta,
        delivery: Delivery,
    ) -> None:
        super().__init__(ports, key, io_seconds)
        self._limit = limit
        self._lane = lane
        self._lease = lease
        self._delivery = delivery
        self._holder = ""  # the owner of the claim that has a place to give back
        self._place: Version | None = None  # the lane's version as that claim wrote it, where that is known

    async def write(self, record: Record, batch: "AsyncWriteBatch | None" = None) -> None:
        """As `Slot.write`; a claim only if the lane admits it.

        Raises:
            NotYet: it does not, and no record says how the event has ended.
            Superseded: it never will.
            LeaseLost: also where the place in the lane is another's.
        """
        if record.status is not Status.CLAIMED and record.owner == self._holder:
            await self._leave(record, batch)
        elif record.status is Status.CLAIMED and not self._is_own(record) and self._applies():
            await self._enter(record, batch)
        else:
            await super().write(record, batch)

    def _is_own(self, record: Record) -> bool:
        """Whether it is no claim but a step under this delivery's own."""
        return self.record is not None and self.record.owner == record.owner

    def _applies(self) -> bool:
        """A debounce chooses among events that nobody has begun with, and none that an operator sent back."""
        return self._limit.debounce is None or (self.record is None and not self._delivery.redrive)

    async def _enter(self, claim: Record, batch: "AsyncWriteBatch | None") -> None:
        # A singleton's lane is there only while it is held, so its absence is tried without a look.
        found = None if self._limit.singleton else await self._read_lane()
        looked = self.record is not None  # at what the record says
        now = claim.lease_until - self._lease  # as the claim sees it, however long looking at the lane takes
        for _ in range(_TRIES):
            before = found
            match enter(self._limit, before.lane if before else None, self._entrant(claim), now):
                case Enter(lane):
                    try:
                        return await self._claim(claim, batch, lane, before)
                    except StateConflict:
                        found, looked = await self._read_lane(), True
                        if _version(found) == _version(before):
                            raise  # it was another precondition
                case Wait(reason, lane):
                    if lane is None or await self._registered(lane, before):
                        raise NotYet(reason) if looked else await self._not_yet(reason)
                    found = await self._read_lane()
                case GiveWay(later):
                    raise Superseded(later)
        raise NotYet("too many events of its key begin at the same time")

    async def _claim(
        self, claim: Record, batch: "AsyncWriteBatch | None", lane: Lane | None, before: StoredLane | None
    ) -> None:
        if lane is not None:
            batch = self._ports.lanes.joined(batch, self._lane, lane, _version(before))
        await super().write(claim, batch)
        if isinstance(lane, Held):
            self._holder = claim.owner
            self._place = self.beside[-1] if self.beside else None

    async def _leave(self, record: Record, batch: "AsyncWriteBatch | None") -> None:
        place = self._place or await self._find_place()
        try:
            await super().write(record, self._ports.lanes.joined(batch, self._lane, None, place))
        except StateConflict:
            if _version(await self._read_lane()) != place:
                raise LeaseLost(_LOST) from None
            raise
        self._holder = ""

    async def _find_place(self) -> Version:
        """The version of the lane as the claim wrote it, where the answer was lost."""
        found = await self._read_lane()
        if found is None or not isinstance(found.lane, Held) or found.lane.owner != self._holder:
            raise LeaseLost(_LOST)
        return found.version

    async def _registered(self, lane: Lane, before: StoredLane | None) -> bool:
        """Whether the lane could be written; without a claim, for whoever comes next to see."""
        try:
            await self._bounded(self._ports.lanes.write(self._lane, lane, _version(before)))
        except WriteConflict:
            return False
        return True

    async def _not_yet(self, reason: str) -> TidegateError:
        """What to raise instead of waiting: an event that has ended has no turn to wait for."""
        stored = await self._bounded(self._ports.ledger.read(self.key))
        return Contested(stored) if stored else NotYet(reason)

    async def _read_lane(self) -> StoredLane | None:
        return await self._bounded(self._ports.lanes.read(self._lane))

    def _entrant(self, claim: Record) -> Entrant:
        event = self._delivery.event
        assert event is not None
        return Entrant(
            owner=claim.owner,
            lease_until=claim.lease_until,
            event_id=event.id,
            time=event.time,
            published=self._delivery.message.publish_time or event.time,
            expire_at=claim.expire_at,
        )


def _version(stored: StoredLane | None) -> Version | None:
    return stored.version if stored else None
