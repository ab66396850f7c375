"""A token bucket, without any effect: it says how long to wait, and somebody else waits."""


class Rate:
    """Places in time, so many per second; what was not used for a while may be used at once.

    A place that was given counts, also if whoever got it gave up waiting: the limit is never exceeded.
    """

    def __init__(self, per_second: float, burst: float | None = None) -> None:
        """``burst`` is how many places a full bucket holds: one second's worth by default, and one at least."""
        self._interval = 1 / per_second
        self._lead = self._interval * (max(1.0, per_second if burst is None else burst) - 1)
        self._next = float("-inf")

    def wait(self, now: float) -> float:
        """The seconds until the next place, which is not taken.

        Args:
            now: seconds on any clock that does not go back.
        """
        return max(0.0, self._place(now) - now)

    def reserve(self, now: float, within: float) -> float | None:
        """The seconds to wait for the next place; None, and none is taken, where it comes later than ``within``."""
        wait = self.wait(now)
        if wait > within:
            return None
        self._next = self._place(now) + self._interval
        return wait

    def _place(self, now: float) -> float:
        return max(self._next, now - self._lead)
