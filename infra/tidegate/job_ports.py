"""What is asked of the store of jobs and their trees."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from tidegate.jobs import Compensation, Growth, Job, Mark, NewJob, Node, Progress, Turn
from tidegate.places import Member, Tally
from tidegate.versions import Version

if TYPE_CHECKING:
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch


@dataclass(frozen=True, slots=True)
class StoredTally:
    """A tally as it was read.

    Attributes:
        settled: how many of its members have.
        closed: whether what follows from its completion has been written.
        advanced: whether what its node owed has been published.
        node: what its node's own document says; None for a tally in between.
        version: to guard the next write by.
    """

    tally: Tally
    settled: int
    closed: bool
    advanced: bool
    node: Node | None
    expire_at: datetime
    version: Version

    @property
    def complete(self) -> bool:
        return self.settled >= self.tally.members

    def above(self, member: Member) -> Member | None:
        """What the tally is a member of itself, where it counts ``member``."""
        return member.above or (self.node.up if self.node else None)


class Jobs(Protocol):
    """Keeps jobs and their trees. Every ``async`` method raises StoreUnavailable where there is no clear answer."""

    async def accept(self, new: NewJob) -> Job:
        """Create the job and its root; or return the one that is there under this id, unchanged."""
        ...

    async def read(self, job: str) -> Job | None:
        """The job as of now, or None."""
        ...

    async def progress(self, job: str) -> Progress:
        """How far it is; at the cost of an aggregation over its nodes."""
        ...

    async def unsettled(self, topic: str, since: datetime, most: int) -> int:
        """How many jobs of a topic, accepted on the day of ``since`` or later, have not settled; ``most`` at most."""
        ...

    async def cancel(self, job: str) -> Job | None:
        """Ask for an end: what has not started is shed. A settled job stays as it is."""
        ...

    async def failed(self, job: str) -> bool:
        """Whether a unit of its work was given up and has not been redriven."""
        ...

    async def cancelled(self, job: str) -> bool:
        """Whether an end was asked for, and the job still runs."""
        ...

    def joined(self, batch: "AsyncWriteBatch | None", growth: Growth) -> "AsyncWriteBatch":
        """A new batch: the writes of ``batch``, then the growth's; an increment of the unit's tally is the last.

        The batch's preconditions fail if the mark has changed since it was read.
        """
        ...

    async def reopened(self, member: Member, key: str, batch: "AsyncWriteBatch | None") -> "AsyncWriteBatch":
        """A new batch: the writes of ``batch``, then those by which a unit that was counted is unsettled again.

        All that it had closed is open again, and its failure is gone. The batch's preconditions fail if that
        changes meanwhile.

        Raises:
            StoreUnavailable: also where the job runs no more, so that nothing may be opened.
        """
        ...

    async def mark(self, job: str, key: str) -> Mark:
        """The mark of the unit named ``key``, as it was read; where there is none, an open one. See `Growth.mark`."""
        ...

    async def commit(self, batch: "AsyncWriteBatch") -> float | None:
        """Write a batch that belongs to no record; returns what its last increment came to.

        Raises:
            WriteConflict: a precondition did not hold; nothing stands.
        """
        ...

    async def tally(self, tally: Tally) -> StoredTally | None:
        """The tally as of now; None where nothing was ever counted."""
        ...

    async def node(self, job: str, name: str) -> Node | None:
        """The node of this id, or None."""
        ...

    async def advanced(self, job: str, name: str) -> None:
        """Note that what the node owed has been published; this only spares later duplicates the asking."""
        ...

    async def close(self, stored: StoredTally, above: Member | None, turn: Turn | None) -> float | None:
        """Close a complete tally: count it at what it is a member of, and let its job turn if it is to.

        Returns:
            What the tally above came to; None without one.

        Raises:
            WriteConflict: it has been written since it was read; nothing stands.
        """
        ...

    async def next_compensation(self, job: str, done: str = "") -> Compensation | None:
        """The compensation that was registered last, once the one named ``done`` has been struck off."""
        ...

    async def begin(self, compensation: Compensation) -> None:
        """Have the units of a compensation counted, before it is published; again, it changes nothing."""
        ...

    async def settle(self, job: str) -> Job | None:
        """End a job that compensates: cancelled if that was asked for, else failed. Any other stays as it is."""
        ...
