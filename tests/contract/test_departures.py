"""What the departure board asks of Firestore, in memory and on the emulator."""

from datetime import timedelta

import pytest
from google.cloud.firestore import AsyncClient

from tests.departures import DAY, BoardKey, Departures, LiveBoard, Pace, flight, post

pytestmark = pytest.mark.anyio

EVE = "2013-02-07T23:59:00-05:00"
FIRST, SECOND = BoardKey("AAA", DAY), BoardKey("BBB", DAY)
"""A board for each test: the emulator keeps what the others posted."""


async def test_a_board_finds_its_own_departures_and_then_only_news(client: AsyncClient) -> None:
    """Of its airport and day; each look is complete, and versions tell which postings are new."""
    await post(
        client, [flight(1, origin="AAA"), flight(2, origin="CCC"), flight(3, origin="AAA", scheduled_departure=EVE)]
    )
    departures = Departures(client)
    [first] = await departures.posted(FIRST, after=None)
    assert first.departure.number == 1
    await post(client, [flight(4, origin="AAA")])
    both = await departures.posted(FIRST, after=first.posted_at - timedelta(seconds=1))
    assert {each.departure.number for each in both} == {1, 4}
    [second] = [each for each in both if each.departure.number == 4]
    assert second.version > first.version
    assert await departures.posted(FIRST, after=second.posted_at) == []
    assert await departures.newest_day() == DAY


async def test_a_board_follows_what_is_posted(client: AsyncClient) -> None:
    """Whoever knows an earlier version lacks exactly what came after it."""
    board = LiveBoard(SECOND, Departures(client), Pace())
    await post(client, [flight(1, origin="BBB")])
    await board.refresh()
    known = board.version
    await post(client, [flight(5, origin="BBB", status="cancelled", delay_minutes=None)])
    await board.refresh()
    assert [(each.number, each.status) for each in board.since(known)] == [(5, "cancelled")]
