"""How often the board does what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations in seconds.

    Attributes:
        poll_seconds: between two looks at Firestore, while somebody watches.
        longest_pause_seconds: between two looks, once several have failed.
        overlap_seconds: how much later than posted a departure may become visible.
        heartbeat_seconds: the longest silence on a stream; the page takes a longer one for a lost connection.
        send_seconds: a viewer that takes nothing for so long is dropped.
        retry_seconds: a page waits so long before it connects again.
    """

    poll_seconds: float = 0.75
    longest_pause_seconds: float = 10
    overlap_seconds: float = 5
    heartbeat_seconds: float = 15
    send_seconds: float = 20
    retry_seconds: float = 1.5

    def pause_seconds(self, failures: int) -> float:
        """Until the next look, after so many that failed in a row."""
        return min(self.poll_seconds * float(1 << min(failures, 10)), self.longest_pause_seconds)
