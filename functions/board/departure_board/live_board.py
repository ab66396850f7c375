"""One board as it stands now: read once, then kept up to date for as long as somebody watches."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime

from departure_board.board_key import BoardKey
from departure_board.departures import Departure, Departures, Posting
from departure_board.horizon import Horizon
from departure_board.pace import Pace

_log = logging.getLogger(__name__)


class LiveBoard:
    """The departures of one airport and day, shared by all who look at them.

    Attributes:
        version: that of the newest departure; 0 for an empty board. Whoever knows a board of some version
            lacks exactly the departures with greater ones, on every instance.
        stalled: whether the last look failed, so that the board may be behind.
    """

    def __init__(self, key: BoardKey, departures: Departures, pace: Pace) -> None:
        self.key = key
        self.version = 0
        self.stalled = False
        self._departures = departures
        self._pace = pace
        self._postings: dict[str, Posting] = {}
        self._newest: datetime | None = None
        self._horizon = Horizon(pace.overlap_seconds)
        self._changed = asyncio.Event()
        self._look: asyncio.Task[None] | None = None
        self._watchers = 0
        self._polling: asyncio.Task[None] | None = None

    @property
    def watched(self) -> bool:
        return self._watchers > 0

    def departures(self) -> list[Departure]:
        """All of them, by scheduled time."""
        return sorted((each.departure for each in self._postings.values()), key=_place)

    def since(self, version: int) -> list[Departure]:
        """Those that a board of ``version`` lacks, by scheduled time."""
        return sorted((each.departure for each in self._postings.values() if each.version > version), key=_place)

    async def refresh(self) -> None:
        """Look for what was posted meanwhile. Those who ask at the same time share one look.

        Raises:
            StoreUnavailable: there was no answer; the board stays as it was.
        """
        if self._look is None or self._look.done():
            self._look = asyncio.create_task(self._read())
            self._look.add_done_callback(_retrieve)
        # One who stops waiting does not stop the others.
        await asyncio.shield(self._look)

    async def changed(self, within_seconds: float) -> bool:
        """Wait until ``version`` or ``stalled`` changes; False if neither did in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_seconds):
                return await self._changed.wait()
        return False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Keep the board up to date inside the with block."""
        self._watchers += 1
        if self._polling is None:
            self._polling = asyncio.create_task(self._poll())
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._polling.cancel()
                self._polling = None

    async def _poll(self) -> None:
        failures = 0
        while True:
            try:
                await self.refresh()
                failures = 0
            except Exception as error:  # whatever it is, viewers are told, and the next look may succeed
                failures += 1
                _log.warning("board %s is behind: %s: %s", self.key.query, type(error).__name__, error)
            await asyncio.sleep(self._pace.pause_seconds(failures))

    async def _read(self) -> None:
        begun = asyncio.get_running_loop().time()
        try:
            found = await self._departures.posted(self.key, self._horizon.reached)
        except Exception:
            self._note(self.version, stalled=True)
            raise
        if found:
            self._newest = max(*(each.posted_at for each in found), self._newest or found[0].posted_at)
        if self._newest:
            self._horizon.looked(begun, self._newest)
        self._note(max([self.version, *map(self._take, found)]), stalled=False)

    def _take(self, posting: Posting) -> int:
        """Keep a posting, and say which version it brings; one that shows nothing new brings none."""
        known = self._postings.get(posting.departure.flight_id)
        if known and known.departure == posting.departure:
            return known.version
        self._postings[posting.departure.flight_id] = posting
        return posting.version

    def _note(self, version: int, *, stalled: bool) -> None:
        """All of a look's changes become visible at once, for they are of one moment."""
        if (version, stalled) != (self.version, self.stalled):
            self.version, self.stalled = version, stalled
            self._changed.set()
            self._changed = asyncio.Event()


def _retrieve(look: "asyncio.Task[None]") -> None:
    """Of a failure that nobody waits for any more, asyncio would complain."""
    if not look.cancelled():
        look.exception()


def _place(departure: Departure) -> tuple[str, str]:
    return departure.scheduled, departure.flight_id
