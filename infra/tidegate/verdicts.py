"""How a delivery can end."""

from enum import StrEnum


class Verdict(StrEnum):
    """The one word for how a delivery ended. ``acked`` ones are over; Pub/Sub delivers the rest again."""

    DONE = "done"
    DUPLICATE = "duplicate"
    SHED = "shed"
    DEAD = "dead"
    FILTERED = "filtered"
    BUSY = "busy"
    RETRY = "retry"

    @property
    def acked(self) -> bool:
        """Whether Pub/Sub may forget the message."""
        return self not in (Verdict.BUSY, Verdict.RETRY)
