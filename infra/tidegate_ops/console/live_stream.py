"""Server-sent events: a page's live part, each time that it looks different.

(unnamed)   the part as HTML, in place of the one before
behind      why it cannot be read just now; what is shown may be old
beat        nothing; the connection works
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from starlette.responses import StreamingResponse
from starlette.types import Message, Send

from tidegate.adapters.google_failures import google_failures
from tidegate.errors import TidegateError

MEDIA_TYPE = "text/event-stream"
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
_FAILURES: tuple[type[Exception], ...] = (TidegateError, *google_failures())
_BEAT_SECONDS = 15.0
_STREAM_SECONDS = 600.0  # then the page comes again by itself
_SEND_SECONDS = 20.0
_EASE = 3  # times as long as a look took is rested after it


class LiveStream(StreamingResponse):
    """Renders every ``seconds``, or less often where that takes long, for as long as the viewer takes what is sent.

    ``render`` returns the part, and whether it will never change again.
    """

    media_type = MEDIA_TYPE

    def __init__(self, render: Callable[[], Awaitable[tuple[str, bool]]], seconds: float) -> None:
        super().__init__(_events(render, seconds), headers=_HEADERS)

    async def stream_response(self, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(_SEND_SECONDS):
                await send(message)

        with suppress(TimeoutError):  # the viewer takes nothing any more
            await super().stream_response(send_in_time)


async def _events(render: Callable[[], Awaitable[tuple[str, bool]]], seconds: float) -> AsyncIterator[str]:
    clock = asyncio.get_running_loop().time
    end = clock() + _STREAM_SECONDS
    last, spoken = "", clock()
    yield "retry: 2000\n\n"
    while (begun := clock()) < end:
        final = False
        try:
            part, final = await render()
            now = _event("", part)
        except _FAILURES as error:
            now = _event("behind", json.dumps(str(error)))
        if now != last:
            last, spoken = now, clock()
            yield now
        elif clock() - spoken >= _BEAT_SECONDS:
            spoken = clock()
            yield _event("beat", "-")
        if final:
            yield _event("final", "-")
            return
        await asyncio.sleep(max(seconds, _EASE * (clock() - begun)))


def _event(name: str, text: str) -> str:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n" if name else f"{lines}\n"
