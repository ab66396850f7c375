"""Request bodies: what they say they are, read within bounds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from problems import Kind, Problem
from starlette.requests import Request

from tidegate.messages import whole_number
from tidegate.outbox import MAX_DATA_BYTES

JSON = "application/json"
NDJSON = "application/x-ndjson"
HELD_BYTES = 100_000_000
"""What the bodies that an instance holds may have together; their copies on the way come on top."""
READ_SECONDS = 30
"""So long a body may take; whoever sends it more slowly would hold a place that others need."""
_RETRY_SECONDS = 1


def media_type(request: Request) -> str:
    """The body's media type, one of those that are accepted.

    Raises:
        Problem: it is another, or is encoded.
    """
    named = request.headers.get("content-type", "")
    encoding = request.headers.get("content-encoding", "identity")
    found = named.partition(";")[0].strip().lower()
    if found not in (JSON, NDJSON):
        raise Problem(
            Kind.UNSUPPORTED_MEDIA_TYPE,
            f"Content-Type is {named!r}: send one event as {JSON}, or one on each line as {NDJSON}",
        )
    if encoding.lower() != "identity":
        raise Problem(Kind.UNSUPPORTED_MEDIA_TYPE, f"Content-Encoding is {encoding!r}: send the body as it is")
    return found


class Bodies:
    """Reads bodies, as many at the same time as fit the memory of an instance."""

    def __init__(self) -> None:
        self._held = 0

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The body, which takes up memory until the end. The length that it declares is checked first.

        Raises:
            Problem: it is longer than an event may be, does not come in time, or there is no room for it now.
            ClientDisconnect: the client left before its end.
        """
        length = _declared(request)
        if self._held + length > HELD_BYTES:
            raise Problem(
                Kind.INSTANCE_FULL,
                f"the bodies under way and one of up to {length:,} bytes exceed {HELD_BYTES:,} bytes: come again in a "
                "moment, or send less at a time",
                retry_after=_RETRY_SECONDS,
            )
        self._held += length
        try:
            yield await _read(request)
        finally:
            self._held -= length


def _declared(request: Request) -> int:
    """The bytes that a body may have; one in chunks declares nothing, and may have as many as any."""
    declared = request.headers.get("content-length", str(MAX_DATA_BYTES))
    # What is no number, or one of more digits than anybody needs, is too large as well.
    length = whole_number(declared)
    if length is None or length > MAX_DATA_BYTES:
        raise _too_large(f"Content-Length is {declared[:20]}")
    return length


async def _read(request: Request) -> bytes:
    """The body, counted as it comes."""
    body = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_DATA_BYTES:
                    # The rest is read by the server and thrown away: closing could lose the answer to it.
                    raise _too_large(f"more than {MAX_DATA_BYTES:,} bytes came")
    except TimeoutError:
        detail = f"{len(body):,} bytes came in {READ_SECONDS} s: send the whole body in this time"
        raise Problem(Kind.BODY_TOO_SLOW, detail, headers={"Connection": "close"}) from None
    return bytes(body)


def _too_large(found: str) -> Problem:
    return Problem(
        Kind.TOO_LARGE,
        f"{found}: at most {MAX_DATA_BYTES:,} bytes are taken. Keep large data elsewhere and send its name, "
        "or send fewer events at a time",
        max_bytes=MAX_DATA_BYTES,
    )
