"""A token bucket, without any effect: it says how long to wait, and somebody else waits."""


class Rate:
    """Places in time, so many per second; what was not used for a second may be used at once.

    A place that was given counts, also if whoever got it gave up waiting: the limit is never exceeded.
    """

    def __init__(self, per_second: float) -> None:
        self._interval = 1 / per_second
        # A full bucket holds one second's worth; a slower rate than one a second has a bucket of one.
        self._lead = max(0.0, 1 - self._interval)
        self._next = float("-inf")

    def reserve(self, now: float, within: float) -> float | None:
        """The seconds to wait for the next place; None, and none is taken, where it comes later than ``within``.

        Args:
            now: seconds on any clock that does not go back.
        """
        place = max(self._next, now - self._lead)
        wait = max(0.0, place - now)
        if wait > within:
            return None
        self._next = place + self._interval
        return wait
