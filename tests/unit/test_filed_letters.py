"""The letters on file: which are meant, and what they held."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.unit.parcel_desk import Desk, order
from tidegate.errors import ConfigurationError
from tidegate.messages import Outgoing
from tidegate_ops.filed_letters import Selection, State

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A desk of the test's own."""
    desk = Desk()
    yield desk
    await desk.application.broker.close()


async def test_payload_of_many_pieces(desk: Desk) -> None:
    """A payload that no document holds comes back byte by byte."""
    data = json.dumps({"order": "o-1", "note": "é" * 1_000_000}, ensure_ascii=False).encode()
    await desk.publish(order(data=data))
    [dead] = await desk.letters()
    assert await desk.file.payload(dead) == data


async def test_attributes_of_any_name(desk: Desk) -> None:
    """Pub/Sub takes names that Firestore has reserved: with one of them a letter would never be filed."""
    attributes = {"__trace__": "1", "a.b": "2", "`": "3"}
    await desk.publish(Outgoing("order.placed", b"no JSON", attributes))
    assert [each.attributes for each in await desk.letters()] == [attributes] * 2


async def test_selection(desk: Desk) -> None:
    """Criteria narrow each other; ids name open letters only."""
    await desk.publish(order("o-1"), Outgoing("order.placed", b"no JSON", {}))
    everything = await desk.letters()
    assert sorted((each.function, each.fault) for each in everything) == [
        ("count_order", "invalid"),
        ("pack_order", "invalid"),
        ("pack_order", "rejected"),
    ]
    [rejected] = await desk.file.select(Selection(function="pack_order", fault="rejected"))
    assert await desk.file.select(Selection(reason_contains="SCALES")) == [rejected]
    assert await desk.file.select(Selection(function="count_order", reason_contains="scales")) == []
    digits = rejected.id.partition(".")[2]
    assert await desk.file.select(Selection(ids=(rejected.id, rejected.id[:20], digits[:12]))) == [rejected]
    await desk.file.settle(rejected, State.DROPPED, drop_reason="a test")
    with pytest.raises(ConfigurationError, match="is dropped already"):
        await desk.file.select(Selection(ids=(rejected.id,)))
    with pytest.raises(ConfigurationError, match="there is no dead letter nobody"):
        await desk.file.select(Selection(ids=("nobody",)))
    assert await desk.file.payload(rejected) == order("o-1").data


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "no letter is named"),
        ({"ids": ("a",), "fault": "error"}, "leave --function"),
        ({"ids": ("a",), "all": True}, "leave --function"),
        ({"fault": "tired"}, "there is no fault 'tired'; there are: cancelled, conflict"),
    ],
)
def test_unclear_selection_is_refused(options: dict[str, Any], words: str) -> None:
    """Nothing is redriven by accident."""
    with pytest.raises(ConfigurationError, match=words):
        Selection(**options)
