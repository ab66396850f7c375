"""One board kept up to date: nothing is missed, and little is read twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from google.api_core.exceptions import ServiceUnavailable
from pytest_mock import MockerFixture

from tests.departures import DAY, BoardKey, Departures, Desk, Horizon, LiveBoard, Pace, flight
from tidegate.errors import StoreUnavailable
from tidegate.testing.virtual_loop import run

NEWARK = BoardKey("EWR", DAY)
NOON = datetime(2013, 2, 8, 12, tzinfo=UTC)


def board_of(desk: Desk) -> LiveBoard:
    return LiveBoard(NEWARK, Departures(desk.firestore), Pace())


def numbers(board: LiveBoard) -> list[int]:
    return [each.number for each in board.departures()]


async def backdate(desk: Desk, number: int, seconds: float) -> None:
    """Post a flight whose time of posting is so long before now, as if its commit had taken so long."""
    await desk.post(flight(number))
    document = desk.firestore.document(f"departures/EV{number}-EWR-20130208")
    await document.update({"posted_at": datetime.now(UTC) - timedelta(seconds=seconds)})


@pytest.mark.parametrize("late", [0.0, 1.0, 4.5])
def test_a_posting_that_became_visible_late_is_found(late: float) -> None:
    """Though another one with a later time was seen before it."""

    async def story() -> None:
        desk = Desk()
        board = board_of(desk)
        await desk.post(flight(1))
        await board.refresh()
        await backdate(desk, 2, late)
        await board.refresh()
        assert numbers(board) == [1, 2]

    run(story())


def test_a_quiet_board_costs_no_documents(mocker: MockerFixture) -> None:
    """Once nothing can turn up late any more, a look finds nothing at all."""

    async def story() -> None:
        desk = Desk()
        departures = Departures(desk.firestore)
        board = LiveBoard(NEWARK, departures, Pace(poll_seconds=1, overlap_seconds=5))
        await desk.post(*(flight(number) for number in range(1, 31)))
        found = mocker.spy(departures, "posted")
        with board.watching():
            await asyncio.sleep(7)
            assert found.call_count == 7
            assert found.spy_return == []
            await desk.post(flight(31))
            await asyncio.sleep(1)
            assert [each.departure.number for each in found.spy_return] == [31]

    run(story())


def test_those_who_ask_together_share_one_look(mocker: MockerFixture) -> None:
    """A crowd at the page costs no more than one visitor."""

    async def story() -> None:
        desk = Desk()
        departures = Departures(desk.firestore)
        looks = mocker.spy(departures, "posted")
        board = LiveBoard(NEWARK, departures, Pace())
        await asyncio.gather(*(board.refresh() for _ in range(50)))
        assert looks.call_count == 1

    run(story())


def test_one_who_stops_waiting_stops_nobody_else() -> None:
    """The shared look goes on."""

    async def story() -> None:
        desk = Desk()
        await desk.post(flight(1))
        board = board_of(desk)
        impatient, patient = asyncio.create_task(board.refresh()), asyncio.create_task(board.refresh())
        await asyncio.sleep(0)
        impatient.cancel()
        await patient
        assert numbers(board) == [1]

    run(story())


def test_a_failed_look_changes_nothing(mocker: MockerFixture) -> None:
    """The board stays as it was, says that it may be behind, and catches up."""

    async def story() -> None:
        desk = Desk()
        await desk.post(flight(1))
        board = board_of(desk)
        await board.refresh()
        away = mocker.patch.object(desk.documents, "list", side_effect=ServiceUnavailable("away"))
        with pytest.raises(StoreUnavailable, match="departures cannot be read: ServiceUnavailable"):
            await board.refresh()
        assert (numbers(board), board.stalled) == ([1], True)
        mocker.stop(away)
        await desk.post(flight(2))
        await board.refresh()
        assert (numbers(board), board.stalled) == ([1, 2], False)

    run(story())


def test_the_pause_after_failures_grows_and_is_bounded() -> None:
    """A store in trouble is not pressed."""
    pace = Pace(poll_seconds=0.75, longest_pause_seconds=10)
    assert [pace.pause_seconds(failures) for failures in (0, 1, 2, 3, 4, 1000)] == [0.75, 1.5, 3, 6, 10, 10]


@pytest.mark.parametrize("seed", range(50))
def test_the_horizon_never_passes_what_can_still_turn_up(seed: int) -> None:
    """Whatever the order postings become visible in, each lies after the horizon at the first look that sees it."""
    random = Random(seed)
    # Posted at, and visible at, in seconds; the store's clock is hours off the board's own.
    postings = [(posted, posted + random.uniform(0, 4.9)) for posted in (random.uniform(0, 60) for _ in range(80))]
    horizon, looked, newest = Horizon(5), -1.0, None
    for look in (step * 0.75 for step in range(100)):
        for posted, visible in postings:
            if looked < visible <= look:
                assert horizon.reached is None or NOON + timedelta(seconds=posted) > horizon.reached
                newest = max(newest or NOON, NOON + timedelta(seconds=posted))
        if newest:
            horizon.looked(look, newest)
        looked = look
    assert horizon.reached == newest
