"""How far back the next look must reach, so that nothing is missed and little is read twice."""

from collections import deque
from datetime import datetime, timedelta


class Horizon:
    """The moment after which postings may not have been seen yet.

    A posting's time is that of the request, so that of two postings the later one may become visible
    first. ``overlap_seconds`` bounds by how much. All up to a time is therefore known once a look has found
    it and another one, begun that much later, has looked behind it. Durations are measured here and moments
    by Firestore: the two clocks are never compared.

    Attributes:
        reached: all postings up to this moment are known; None before the first.
    """

    def __init__(self, overlap_seconds: float) -> None:
        self.reached: datetime | None = None
        self._overlap_seconds = overlap_seconds
        self._found: deque[tuple[float, datetime]] = deque()

    def looked(self, begun: float, newest: datetime) -> None:
        """A look that began at ``begun`` seconds knows postings up to ``newest``, the greatest so far."""
        if self.reached is None:
            self.reached = newest - timedelta(seconds=self._overlap_seconds)
        self._found.append((begun, newest))
        while self._found[0][0] <= begun - self._overlap_seconds:
            self.reached = max(self.reached, self._found.popleft()[1])
