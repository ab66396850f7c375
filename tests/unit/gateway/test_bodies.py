"""Bodies that are too long or too slow, on a real connection where that makes a difference."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.unit.gateway.front_door import NOTE, FrontDoor
from tidegate.outbox import MAX_DATA_BYTES
from tidegate.testing.virtual_loop import run
from tidegate_ops.embedded_server import EmbeddedServer

HEAD = b"POST /v1/events/note.edited HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\n"
CHUNK = b"F4240\r\n" + b" " * 1_000_000 + b"\r\n"
NOTES = "/v1/events/note.edited"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected(door: FrontDoor) -> AsyncIterator[Connection]:
    """A connection to the gateway, served over HTTP."""
    server = EmbeddedServer(door.application)
    address = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        await server.close()


async def head(reader: asyncio.StreamReader) -> str:
    """The status line and headers of the answer."""
    return (await reader.readuntil(b"\r\n\r\n")).decode().lower()


@pytest.mark.anyio
async def test_a_body_without_end_is_answered() -> None:
    """Sent in chunks, it declares no length. The answer comes although the body does not end."""
    sent = 0
    async with connected(FrontDoor()) as (reader, writer):
        writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")

        async def flood() -> None:
            nonlocal sent
            while True:
                writer.write(CHUNK)
                await writer.drain()
                sent += 1_000_000

        flooding = asyncio.create_task(flood())
        assert (await head(reader)).startswith("http/1.1 413 ")
        flooding.cancel()
    assert MAX_DATA_BYTES < sent < 5 * MAX_DATA_BYTES


@pytest.mark.anyio
async def test_a_length_that_is_too_much_is_answered_before_the_body() -> None:
    """Whoever waits for leave to send it, as curl does, sends nothing."""
    async with connected(FrontDoor()) as (reader, writer):
        length = b"Content-Length: %d\r\n" % (MAX_DATA_BYTES + 1)
        writer.write(HEAD + length + b"Expect: 100-continue\r\n\r\n")
        assert (await head(reader)).startswith("http/1.1 413 ")


@pytest.mark.parametrize("media", ["application/json", "application/x-ndjson"])
def test_bodies_have_to_fit_memory(media: str) -> None:
    """Together; small ones find room longer than large ones, and whatever becomes of a body makes room again."""

    async def never() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    async def story() -> None:
        async with FrontDoor(timeout_seconds=300).client() as client:

            async def submit(content: Any, length: int | None = None) -> httpx.Response:
                headers = {"Content-Type": media} | ({} if length is None else {"Content-Length": str(length)})
                return await client.post(NOTES, content=content, headers=headers, timeout=None)

            async def fits(event: bytes) -> bool:
                answer = await submit(event)
                return answer.status_code == 202 or b'"status":202' in answer.content

            note = json.dumps(NOTE).encode()
            large = [asyncio.create_task(submit(never(), MAX_DATA_BYTES)) for _ in range(10)]
            large.append(asyncio.create_task(submit(never())))  # in chunks: it may be as large
            await asyncio.sleep(1)
            refused = await submit(note + b" " * 1_000_000)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
            assert refused.json()["type"] == "urn:tidegate:problem:instance-full"
            assert [await fits(note) for _ in range(3)] == [True] * 3
            assert {each.status_code for each in await asyncio.gather(*large)} == {408}
            assert [await fits(note + b" " * 8_000_000) for _ in range(20)] == [True] * 20

    run(story())


@pytest.mark.parametrize("media", ["application/json", "application/x-ndjson"])
def test_a_body_that_comes_too_slowly_is_given_up(media: str) -> None:
    """It would hold a place for as long as it likes."""

    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(1)

    async def story() -> None:
        door = FrontDoor(timeout_seconds=300)
        async with door.client() as client:
            answer = await client.post(NOTES, content=drops(), headers={"Content-Type": media}, timeout=None)
        assert (answer.status_code, answer.json()["type"]) == (408, "urn:tidegate:problem:body-too-slow")
        assert answer.json()["detail"] == "30 bytes came in 30 s: send the whole body in this time"
        assert answer.headers["connection"] == "close"
        assert asyncio.get_running_loop().time() == 30

    run(story())
