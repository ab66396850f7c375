"""The departure board as a person meets it: in a browser, at any width, by day and by night, with a keyboard."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google.api_core.exceptions import ServiceUnavailable
from pytest_mock import MockerFixture
from starlette.applications import Starlette
from starlette.responses import Response

from tests.browser.contrast import faint_texts
from tests.departures import Desk, Pace, flight, flights_of_the_day
from tidegate_ops.embedded_server import EmbeddedServer

pytestmark = pytest.mark.anyio

PATIENCE_MS = 60_000
WIDTHS = [360, 1280]
SCHEMES = ["dark", "light"]
HOUR = "2013-02-08T{}:00-05:00"
FRESH = """
() => {
  const row = document.querySelector("tr.fresh");
  if (!row) return null;
  return [getComputedStyle(row.querySelector(".flaps")).animationName, getComputedStyle(row).boxShadow !== "none"];
}
"""
"""What shows that a row is new: its animation, and whether it has a shadow."""
NAMES = "[...document.querySelectorAll('#rows tr')].map((row) => row.querySelector('.flight .flaps').textContent)"


class Instance:
    """What answers at a board's address: one instance of the function, nobody, or another instance."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._application: Starlette | None = desk.application()
        self._requests: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        answer = self._application or Response(status_code=503)
        request = asyncio.ensure_future(answer(scope, receive, send))
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)
        await request

    @contextmanager
    def away(self) -> Iterator[None]:
        """Connections break, and none is to be had inside the with block; then an instance without a past answers."""
        self._application = None
        for each in self._requests:
            each.cancel()
        yield
        self._application = self._desk.application()


class Board:
    """A board, open in a window.

    Attributes:
        complaints: what the browser's console said, and errors of scripts.
    """

    def __init__(self, desk: Desk, page: Any) -> None:
        self.desk = desk
        self.instance = Instance(desk)
        self.server = EmbeddedServer(self.instance)
        self.page = page
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def shows(self, selector: str) -> None:
        """Wait until an element that is so is there."""
        await self.page.wait_for_selector(selector, state="attached", timeout=PATIENCE_MS)

    async def sees(self, function: str) -> Any:
        """What a function of the page gives once that is true; in one look, since rows are marked for a moment only."""
        found = await self.page.wait_for_function(function, timeout=PATIENCE_MS)
        return await found.json_value()

    async def flights(self) -> list[str]:
        """The flights on the board, from top to bottom."""
        flights: list[str] = await self.page.evaluate(NAMES)
        return flights

    async def count(self, name: str) -> int:
        return int(await self.page.text_content(f"[data-count={name}]"))


Open = Callable[..., Awaitable[Board]]


@pytest.fixture
async def open_board(chromium: Any) -> AsyncIterator[Open]:
    """Opens boards; each has a desk and a server of its own."""
    opened: list[Board] = []

    async def open_(desk: Desk, *, live: bool = True, width: int = 1280, **context: Any) -> Board:
        window = await chromium.new_context(viewport={"width": width, "height": 800}, **context)
        board = Board(desk, await window.new_page())
        opened.append(board)
        await board.page.goto(board.server.url)
        if live:
            await board.shows("[data-state=live]")
        return board

    yield open_
    for board in opened:
        await board.page.context.close()
        await board.server.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
async def test_flights_appear_without_reloading(open_board: Open, width: int, scheme: str) -> None:
    """In their place, marked for a while, and counted; nothing overflows, nothing complains."""
    board = await open_board(await posted(*flights_of_the_day("EWR")[:40]), width=width, color_scheme=scheme)
    before = await board.flights()
    await board.desk.post(flight(1, scheduled_departure=HOUR.format("05:01"), status="delayed", delay_minutes=99))
    status = await board.sees("() => document.querySelector('tr.fresh .status')?.innerText.trim()")
    assert status == "Delayed +99 min"
    assert await board.flights() == [before[0], "EV 1", *before[1:]]
    assert await board.count("flights") == len(before) + 1
    assert await board.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert board.complaints == []


async def test_a_flight_that_changes_stays_one_row(open_board: Open) -> None:
    """Its status is replaced, and it moves if its time does."""
    board = await open_board(await posted(flight(1), flight(2, scheduled_departure=HOUR.format("16:00"))))
    await board.desk.post(flight(1, status="cancelled", delay_minutes=None, scheduled_departure=HOUR.format("17:00")))
    await board.shows("#rows tr[data-status=cancelled]")
    assert await board.flights() == ["EV 2", "EV 1"]
    assert (await board.count("flights"), await board.count("cancelled")) == (2, 1)


async def test_the_first_flight_ends_the_empty_board(open_board: Open) -> None:
    """The page of an airport without departures says so until there is one."""
    board = await open_board(await posted(flight(1, origin="JFK")))
    assert await board.page.is_visible("#none")
    await board.desk.post(flight(2))
    await board.shows("#rows tr")
    assert not await board.page.is_visible("#none")
    assert await board.flights() == ["EV 2"]


async def test_a_lost_connection_is_shown_and_made_good(open_board: Open) -> None:
    """What was posted meanwhile follows, once each, from an instance that never saw this page before."""
    board = await open_board(await posted(flight(1)))
    await board.page.evaluate("document.querySelector('#rows tr').dataset.kept = 'yes'")
    with board.instance.away():
        await board.shows("[data-state=lost]")
        await board.desk.post(flight(2), flight(3))
    await board.shows("[data-state=live]")
    await board.shows("#rows tr:nth-child(3)")
    assert await board.flights() == ["EV 1", "EV 2", "EV 3"]
    assert await board.page.evaluate("document.querySelector('#rows tr').dataset.kept") == "yes"


async def test_a_board_behind_its_data_says_so(open_board: Open, mocker: MockerFixture) -> None:
    """The connection works, yet what is shown may be old; then it catches up."""
    board = await open_board(await posted(flight(1)))
    away = mocker.patch.object(board.desk.documents, "list", side_effect=ServiceUnavailable("away"))
    await board.shows("[data-state=stalled]")
    assert await board.page.inner_text("#link") == "Behind: no data"
    await board.desk.post(flight(2))
    mocker.stop(away)
    await board.shows("[data-state=live]")
    assert await board.flights() == ["EV 1", "EV 2"]


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
async def test_every_text_can_be_read(open_board: Open, width: int, scheme: str) -> None:
    """Its contrast is at least 4.5, as WCAG's level AA asks, also while its row is marked as new."""
    board = await open_board(await posted(), width=width, color_scheme=scheme, reduced_motion="reduce")
    statuses = ("on_time", "delayed", "diverted", "cancelled")
    await board.desk.post(*(flight(n, status=status, delay_minutes=20) for n, status in enumerate(statuses, 1)))
    await board.shows("tr.fresh:nth-child(4)")
    assert await faint_texts(board.page, 4.5) == []
    await board.page.evaluate("document.querySelectorAll('.fresh').forEach((row) => row.classList.remove('fresh'))")
    assert await faint_texts(board.page, 4.5) == []


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_keyboard_reaches_everything_in_order(open_board: Open, width: int) -> None:
    """First past the head, then the airports, the day and its button; each shows that it has the focus."""
    board = await open_board(await posted(flight(1)), width=width)
    reached = []
    for _ in range(6):
        await board.page.keyboard.press("Tab")
        reached.append(await board.page.evaluate("document.activeElement.innerText || document.activeElement.id"))
        assert await board.page.evaluate("document.activeElement.matches(':focus-visible')")
        assert await board.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert [each.split()[0] for each in reached] == ["Skip", "EWR", "JFK", "LGA", "day", "day"]
    await board.page.evaluate("document.activeElement.blur(); document.querySelector('.skip').focus()")
    await board.page.keyboard.press("Enter")
    assert await board.page.evaluate("document.activeElement.id") == "departures"


@pytest.mark.parametrize("width", WIDTHS)
async def test_screen_readers_find_a_table(open_board: Open, width: int) -> None:
    """With a name and headers, also where it does not look like one."""
    board = await open_board(await posted(flight(1)), width=width)
    table = board.page.get_by_role("table", name="Departures from Newark Liberty on Friday 8 February 2013")
    assert await table.get_by_role("columnheader").all_inner_texts() == ["TIME", "FLIGHT", "DESTINATION", "STATUS"]
    assert await table.get_by_role("rowheader").count() == 1
    assert await table.get_by_role("row").count() == 2
    assert await table.get_by_role("cell").count() == 3


async def test_news_are_announced_in_one_sentence(open_board: Open) -> None:
    """A burst of flights interrupts nobody once per flight."""
    board = await open_board(await posted())
    await board.desk.post(flight(1), flight(2), flight(3, status="cancelled", delay_minutes=None))
    await board.shows("#announcements:not(:empty)")
    text = "3 flights posted: 2 on time, 1 cancelled. 3 on the board of Newark Liberty."
    assert await board.page.text_content("[role=status][aria-live=polite]") == text


@pytest.mark.parametrize(("motion", "animation"), [("no-preference", "flap"), ("reduce", "none")])
async def test_nothing_moves_for_those_who_asked_for_it(open_board: Open, motion: str, animation: str) -> None:
    """A new row is marked all the same."""
    board = await open_board(await posted(), reduced_motion=motion)
    await board.desk.post(flight(1))
    assert await board.sees(FRESH) == [animation, True]


async def test_without_scripts_it_is_a_page(open_board: Open) -> None:
    """Complete, and honest about what it is."""
    board = await open_board(await posted(flight(1), flight(2)), live=False, java_script_enabled=False)
    assert await board.page.locator("#rows tr").count() == 2
    assert await board.page.inner_text("#link") == "Reload for news"
    await board.page.click("text=JFK")
    assert await board.page.inner_text(".where") == "John F. Kennedy Friday 8 February 2013"


async def posted(*flights: Any) -> Desk:
    """A desk with these departures, and one of another airport, so that there is a day to show."""
    desk = Desk(Pace(poll_seconds=0.02, retry_seconds=0.05), timeout_seconds=600)
    await desk.post(flight(9000, origin="LGA"), *flights)
    return desk
