"""Redriving, with the runtime and the function `dead_letters` themselves, in memory."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from pytest_mock import MockerFixture

from tests.unit.parcel_desk import NOON, Desk, letter, order
from tidegate.errors import ConfigurationError, StoreUnavailable
from tidegate.events import Event
from tidegate.messages import Message, Outgoing
from tidegate.verdicts import Verdict
from tidegate_ops.filed_letters import LetterChanged, LetterFile, PayloadDamaged
from tidegate_ops.redrive import Outcome, Pace, outgoing

pytestmark = pytest.mark.anyio

BACKSTOP = {"Subscription": "pack-order", "DeliveryCount": "100"}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A desk of the test's own."""
    desk = Desk()
    yield desk
    await desk.application.broker.close()


async def test_mended_event_is_done_once(desk: Desk) -> None:
    """Dead, mended, redriven: the event is done, its step not repeated, and no other function sees it again."""
    await desk.publish(order())
    [dead] = await desk.letters()
    assert (dead.function, dead.event_id, dead.fault) == ("pack_order", "o-1", "rejected")
    desk.mended = True
    await desk.send(dead)
    assert sorted(desk.calls) == ["count_order", "pack_order", "pack_order", "ship o-1", "weigh"]
    assert desk.verdicts("pack_order") == [Verdict.DEAD, Verdict.DONE]
    assert await desk.letters() == []
    assert (await desk.state(dead)).items() >= {"state": "redriven", "settled_by": "ada"}.items()


async def test_plain_message_keeps_its_identity(desk: Desk) -> None:
    """A message without ce- attributes gets another message id, but its record and its step are found again."""
    await desk.publish(Outgoing("order.placed", b'{"order": "o-2"}', {"origin": "by hand"}))
    [dead] = await desk.letters()
    desk.mended = True
    await desk.send(dead)
    assert desk.verdicts("pack_order") == [Verdict.DEAD, Verdict.DONE]
    assert desk.calls.count("weigh") == 1
    assert [each.event_id for each in desk.reports if each.function == "pack_order"] == [dead.event_id] * 2


async def test_crash_before_the_mark_costs_nothing(desk: Desk, mocker: MockerFixture) -> None:
    """Published but not marked, a letter stays open; redriving it again has no second effect."""
    await desk.publish(order())
    [dead] = await desk.letters()
    desk.mended = True
    crash = mocker.patch.object(LetterFile, "settle", side_effect=StoreUnavailable("gone"))
    with pytest.raises(StoreUnavailable):
        await desk.send(dead)
    await desk.settled()
    mocker.stop(crash)
    [still_open] = await desk.letters()
    await desk.send(still_open)
    assert desk.verdicts("pack_order") == [Verdict.DEAD, Verdict.DONE, Verdict.DUPLICATE]
    assert desk.calls.count("ship o-1") == 1
    assert await desk.letters() == []


async def test_two_operators_are_one_redrive(desk: Desk) -> None:
    """Of two who redrive one letter at once, one is told, and the handler runs once."""
    await desk.publish(order())
    [dead] = await desk.letters()
    desk.mended = True
    await desk.send(dead)
    with pytest.raises(LetterChanged):
        await desk.send(dead)
    await desk.settled()
    assert desk.calls.count("pack_order") == 2


async def test_event_that_dies_again_is_open_again(desk: Desk) -> None:
    """A further death reopens the letter with its redrive number, and the next redrive counts on."""
    await desk.publish(order())
    for number in range(2):
        [dead] = await desk.letters()
        assert dead.redrive == number
        outcomes: list[Outcome] = []
        await desk.redrive.send_all([dead], outcomes.append)
        await desk.settled()
    [dead] = await desk.letters()
    assert dead.redrive == 2
    assert desk.verdicts("pack_order") == [Verdict.DEAD] * 3
    assert desk.calls.count("weigh") == 1


class Slow:
    """A publisher after whose answer all has happened that follows."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        await self._desk.publish(*messages)


async def test_death_before_the_mark_stays_open(desk: Desk) -> None:
    """An event that dies again before its old letter is marked is not hidden by that mark."""
    await desk.publish(order())
    [dead] = await desk.letters()
    with pytest.raises(LetterChanged):
        await dataclasses.replace(desk.redrive, publisher=Slow(desk)).send(dead, await desk.file.payload(dead))
    assert [each.redrive for each in await desk.letters()] == [1]


async def test_done_event_from_the_backstop_only_resumes(desk: Desk) -> None:
    """What Pub/Sub gave up on although it was done is published again from its record; nothing runs or is filed."""
    desk.mended = True
    placed = order()
    await desk.publish(placed)
    ran, shipped = list(desk.calls), len([topic for topic, _ in desk.messages if topic == "order.packed"])
    source = {
        "CloudPubSubDeadLetterSourceSubscription": "pack-order",
        "CloudPubSubDeadLetterSourceDeliveryCount": "100",
    }
    await desk.publish(Outgoing("dead.letters", placed.data, {**placed.attributes, **source}))
    assert len([topic for topic, _ in desk.messages if topic == "order.packed"]) == shipped + 1
    assert desk.verdicts("ship_order") == [Verdict.DONE, Verdict.DUPLICATE]
    assert desk.calls == ran
    assert await desk.letters() == []


async def test_damaged_payload_is_not_sent(desk: Desk) -> None:
    """A letter whose pieces are incomplete stays where it is; the others go."""
    await desk.publish(order("o-1"), order("o-2"))
    desk.mended = True
    first, second = await desk.letters()
    await desk.firestore.document(f"dead_letters/{first.id}/payload/000").delete()
    with pytest.raises(PayloadDamaged, match="0 bytes instead of"):
        await desk.file.payload(first)
    outcomes: list[Outcome] = []
    await desk.redrive.send_all([first, second], outcomes.append)
    assert {each.letter.id for each in outcomes if each.trouble} == {first.id}
    assert [each.id for each in await desk.letters()] == [first.id]


async def test_letters_of_one_key_go_in_order(desk: Desk) -> None:
    """Events with one ordering key are published in the order in which they died."""
    for number in range(8):
        await desk.publish(order(f"o-{number}", key="ada"))
    before = len(desk.messages)
    outcomes: list[Outcome] = []
    await desk.redrive.send_all(await desk.letters(), outcomes.append)
    sent = [message.attributes["ce-id"] for topic, message in desk.messages[before:] if topic == "order.placed"]
    assert sent == [f"o-{number}" for number in range(8)]
    assert not [each.trouble for each in outcomes if each.trouble]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"function": "pack_parcel"}, "pack_parcel, which is not in topology"),
        ({"died_at": NOON - timedelta(days=31)}, "died on 2013-01-08, more than redrive_days = 30"),
    ],
    ids=["unknown function", "too old"],
)
async def test_what_cannot_be_redriven_is_refused(desk: Desk, changes: dict[str, Any], words: str) -> None:
    """A letter of a function that is gone, or of work that the ledger may have forgotten, is never published."""
    redrive = dataclasses.replace(desk.redrive, clock=lambda: NOON)
    good, bad = letter(), letter(**changes)
    [refused] = redrive.refused([good, bad])
    assert refused.letter is bad
    assert words in refused.trouble
    with pytest.raises(ConfigurationError, match=words):
        await redrive.send(bad, b"")
    assert desk.messages == []


def test_message_is_the_event_for_one_function() -> None:
    """The original attributes and key, addressed and numbered, without what would shed or refuse it."""
    original = order(key="ada").attributes
    sent = outgoing(
        letter(
            redrive=2,
            attributes={
                **original,
                "ce-expirytime": "2013-02-08T12:00:00Z",
                "googclient_schemaencoding": "JSON",
                "tidegate-target": "another",
                "tidegate-redrive": "2",
            },
        ),
        "order.placed",
        b"{}",
    )
    assert sent == Outgoing(
        "order.placed", b"{}", {**original, "tidegate-target": "pack_order", "tidegate-redrive": "3"}, "ada"
    )


def test_plain_message_becomes_an_event() -> None:
    """What had no ce- attributes gets all that an event needs, and keeps its own."""
    sent = outgoing(letter(event_id="m-7", event_type="", attributes={"origin": "by hand"}), "order.placed", b"{}")
    event = Event.from_message(Message("m-8", sent.data, sent.attributes), topic="order.placed", now=NOON)
    assert (event.id, event.type, event.source, event.target, event.redrive) == (
        "m-7",
        "order.placed",
        "/pubsub",
        "pack_order",
        1,
    )
    assert sent.attributes["origin"] == "by hand"


async def test_pace_is_even(mocker: MockerFixture) -> None:
    """Callers that come at once are let through one interval apart."""
    mocker.patch.object(asyncio.get_running_loop(), "time", return_value=100.0)
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    pace = Pace(50, sleep=sleep)
    for _ in range(4):
        await pace.wait()
    assert pauses == pytest.approx([0.02, 0.04, 0.06])
