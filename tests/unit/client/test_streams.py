"""Lines and server-sent events are read, wherever a stream is cut."""

from collections.abc import AsyncIterator

import pytest

from tidegate.client.streams import ServerEvent, lines, server_events

pytestmark = pytest.mark.anyio

TEXT = (
    'id: 1\r\nevent: progress\r\ndata: {"a": "\u2028"}\r\n\r\n: beat\n\ndata:x\ndata:  y\nodd\n\nid: 2\n\nevent: cut'
).encode()


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize("at", range(len(TEXT)))
async def test_events_are_the_same_wherever_the_stream_is_cut(at: int) -> None:
    """Also within a character and between the two ends of a line; what breaks off is no event."""
    found = [event async for event in server_events(chunks(TEXT[:at], b"", TEXT[at:]))]
    assert found == [
        ServerEvent("progress", '{"a": "\u2028"}', "1"),
        ServerEvent(),
        ServerEvent("message", "x\n y", "1"),
    ]


async def test_only_line_feeds_end_a_line() -> None:
    """Other characters that Unicode calls line ends stay within JSON text."""
    text = "a\u2028b\x0b\x85\nrest".encode()
    assert [line async for line in lines(chunks(text))] == ["a\u2028b\x0b\x85".encode()]
