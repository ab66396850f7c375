"""What all timers promise (`tidegate.ports.Timers`)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.contract.delays import Delays, memory_delays, service_delays
from tidegate.messages import Outgoing

TOPIC = "flight.reported"
SECONDS = 10

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "service"])
async def delays(
    request: pytest.FixtureRequest, tmp_path: Path, leap: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Delays]:
    """Every adapter in turn, with a topic to publish to; it notices soon when its clock is wound."""
    if request.param == "memory":
        made = memory_delays(leap)
    else:
        monkeypatch.setattr("tidegate_ops.timer_service._LOOK_SECONDS", 0.02)
        made = service_delays(request.getfixturevalue("pubsub_emulator").host, tmp_path)
    async with made as opened:
        await opened.broker.create(TOPIC)
        yield opened


def event(delays: Delays, name: str, *, seconds: float, data: bytes = b"{}", key: str = "") -> Outgoing:
    """An event that is due so much later than now."""
    return Outgoing(TOPIC, data, {"ce-id": name, "note": "Zoë"}, key, delays.clock() + timedelta(seconds=seconds))


async def arrivals(delays: Delays, count: int) -> list[Outgoing]:
    """The next so many messages that arrive, in their order."""
    found: list[Outgoing] = []
    async with asyncio.timeout(SECONDS):
        while len(found) < count:
            found += await delays.broker.received(TOPIC, count - len(found))
            await asyncio.sleep(0.01)
    return found


def names(messages: list[Outgoing]) -> list[str]:
    return [each.attributes["ce-id"] for each in messages]


async def test_message_arrives_whole_when_it_is_due(delays: Delays) -> None:
    """Data, attributes and key arrive as they were given, and not before the time."""
    sent = event(delays, "a", seconds=0.3, data=b"\xff\x00", key="UA1")
    await delays.timers.schedule(sent)
    arrived = await arrivals(delays, 1)
    assert sent.due
    assert delays.clock() >= sent.due
    assert arrived == [Outgoing(TOPIC, sent.data, sent.attributes, sent.key)]


async def test_past_due_is_at_once(delays: Delays) -> None:
    """An event whose time has passed waits for nothing."""
    await delays.timers.schedule(event(delays, "late", seconds=60))
    await delays.timers.schedule(event(delays, "past", seconds=-3600))
    assert names(await arrivals(delays, 1)) == ["past"]


async def test_due_time_decides_not_the_order_of_the_calls(delays: Delays) -> None:
    """What is scheduled last may be due first."""
    for name, seconds in (("c", 180), ("b", 120), ("a", 60)):
        await delays.timers.schedule(event(delays, name, seconds=seconds))
    for name in ("a", "b", "c"):
        delays.advance(60)
        assert names(await arrivals(delays, 1)) == [name]


async def test_the_same_event_again_changes_nothing(delays: Delays) -> None:
    """Neither while it waits, whatever its due time then, nor after it was published."""
    await delays.timers.schedule(event(delays, "a", seconds=120))
    await delays.timers.schedule(event(delays, "a", seconds=0))
    await delays.timers.schedule(event(delays, "b", seconds=60))
    for name in ("b", "a"):
        delays.advance(60)
        assert names(await arrivals(delays, 1)) == [name]
    await delays.timers.schedule(event(delays, "a", seconds=0))
    await delays.timers.schedule(event(delays, "c", seconds=60))
    delays.advance(60)
    assert names(await arrivals(delays, 1)) == ["c"]
