"""Server-sent events: what keeps an open page up to date.

An event's id is the board's version. A page that lost its connection names the last one it got, to
whichever instance answers, and gets what it lacks.

    (unnamed)   {"rows": […], "counts": {…}}; rows are new or replace those with the same id
    state       stalled, or live again
    beat        nothing; the connection works
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from departure_board.live_board import LiveBoard
from departure_board.pace import Pace
from departure_board.rows import counts, row

_log = logging.getLogger(__name__)

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # proxies that know it pass each event on at once
}
_BEAT = "event: beat\ndata: -\n\n"


class EventStream(StreamingResponse):
    """Follows a board from ``version`` on, for ``seconds`` or until the viewer leaves.

    There is no queue per viewer. A slow one gets in one event what others got in several; one that takes
    nothing at all is dropped.
    """

    media_type = "text/event-stream"

    def __init__(self, board: LiveBoard, version: int, pace: Pace, seconds: float) -> None:
        super().__init__(_events(board, version, pace, seconds), headers=_HEADERS)
        self._board = board
        self._patience = pace.send_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._board.watching():
            await super().__call__(scope, receive, send)

    async def stream_response(self, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(self._patience):
                await send(message)

        try:
            await super().stream_response(send_in_time)
        except TimeoutError:
            _log.info("a viewer of %s took nothing for %g s and is dropped", self._board.key.query, self._patience)


async def _events(board: LiveBoard, version: int, pace: Pace, seconds: float) -> AsyncIterator[str]:
    clock = asyncio.get_running_loop().time
    end = clock() + seconds
    stalled = False
    yield f"retry: {pace.retry_seconds * 1000:.0f}\n\n"
    while (left := end - clock()) > 0:
        # Nothing is awaited from here to `changed`, so that no change is slept through.
        if news := board.since(version):
            version = board.version
            rows = [row(each) for each in news]
            yield _event({"rows": rows, "counts": counts(board.departures())}, version)
        elif stalled != board.stalled:
            stalled = board.stalled
            yield f"event: state\ndata: {'stalled' if stalled else 'live'}\n\n"
        elif not await board.changed(min(pace.heartbeat_seconds, left)):
            yield _BEAT


def _event(data: object, version: int) -> str:
    # On one line, as json.dumps leaves it: a line break would end the field.
    return f"id: {version}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"
