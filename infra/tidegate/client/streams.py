"""Reading answers that go on: lines, and server-sent events."""

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerEvent:
    """A server-sent event. A comment, such as a heartbeat, is one without name and data."""

    name: str = ""
    data: str = ""
    id: str = ""


async def lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The lines of a stream, wherever it was split; what follows the last line's end is left out.

    Only a line feed ends a line: JSON text may hold other characters that Unicode calls line ends.
    """
    rest = b""
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r")


async def server_events(chunks: AsyncIterable[bytes]) -> AsyncIterator[ServerEvent]:
    """The events of a ``text/event-stream``; one that breaks off is none."""
    name, data, last_id = "", list[str](), ""
    async for line in lines(chunks):
        if not line:
            if name or data:
                yield ServerEvent(name or "message", "\n".join(data), last_id)
            name, data = "", []
            continue
        field, _, value = line.decode(errors="replace").partition(":")
        value = value.removeprefix(" ")
        if not field:
            yield ServerEvent()
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            last_id = value
