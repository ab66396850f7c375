"""Request bodies: what they say they are, read within bounds."""

import asyncio

from problems import Kind, Problem
from starlette.requests import Request

from tidegate.messages import whole_number
from tidegate.outbox import MAX_DATA_BYTES

JSON = "application/json"
NDJSON = "application/x-ndjson"
READ_SECONDS = 30
"""So long a body may take; whoever sends it more slowly would hold a place that others need."""


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


async def read(request: Request) -> bytes:
    """The body. The length that it declares is checked first; what is read is counted as well.

    Raises:
        Problem: it is longer than an event may be, or does not come in time.
        ClientDisconnect: the client left before its end.
    """
    declared = request.headers.get("content-length", "0")
    # What is no number, or one of more digits than anybody needs, is too large as well.
    length = whole_number(declared)
    if length is None or length > MAX_DATA_BYTES:
        raise _too_large(f"Content-Length is {declared[:20]}")
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
