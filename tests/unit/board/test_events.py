"""The stream of a board's changes: complete, without repetition, and only for those who watch."""

import asyncio
import re

import pytest
from google.api_core.exceptions import ServiceUnavailable
from pytest_mock import MockerFixture

from tests.departures import Desk, Pace, flight
from tests.unit.board.viewer import BOARD, get, viewer
from tidegate.testing.virtual_loop import run


def test_flights_arrive_as_they_are_posted() -> None:
    """First what is there, then each look's news, with the counts of the whole board."""

    async def story() -> None:
        desk = Desk()
        await desk.post(flight(1), flight(2, status="cancelled", delay_minutes=None))
        async with viewer(desk.application()) as one:
            first = await one.news()
            assert (first.flights, first.counts["flights"], first.counts["cancelled"]) == (["EV 1", "EV 2"], 2, 1)
            await desk.post(flight(3, status="delayed", delay_minutes=20))
            second = await one.news()
            assert (second.flights, second.counts["flights"], second.counts["delayed"]) == (["EV 3"], 3, 1)
            assert int(second.id) > int(first.id)

    run(story())


def test_a_changed_flight_comes_again() -> None:
    """A flight posted once more is sent if it shows something else now, and only then."""

    async def story() -> None:
        desk = Desk()
        await desk.post(flight(1))
        async with viewer(desk.application()) as one:
            await one.news()
            await desk.post(flight(1))
            assert await one.silent(20)
            await desk.post(flight(1, status="delayed", delay_minutes=40))
            changed = await one.news()
            assert '"detail":"+40 min"' in changed.data

    run(story())


def test_other_boards_are_not_disturbed() -> None:
    """A flight of another airport, or of another day, is no news."""

    async def story() -> None:
        desk = Desk()
        async with viewer(desk.application()) as one:
            await desk.post(flight(1, origin="JFK"), flight(2, scheduled_departure="2013-02-09T08:00:00-05:00"))
            assert await one.silent(20)

    run(story())


@pytest.mark.parametrize("other_instance", [False, True])
def test_a_viewer_goes_on_where_it_was(other_instance: bool) -> None:
    """It gets what it missed and nothing else, from the same instance or another."""

    async def story() -> None:
        desk = Desk()
        app = desk.application()
        await desk.post(flight(1))
        async with viewer(app) as one:
            last = await one.news()
        await desk.post(flight(2), flight(3))
        async with viewer(desk.application() if other_instance else app, last_event_id=last.id) as one:
            news = await one.news()
            assert news.flights == ["EV 2", "EV 3"]
            assert await one.silent(20)

    run(story())


def test_the_stream_begins_where_the_page_ends() -> None:
    """The page says which version it shows; nothing posted between the two is lost, nothing sent twice."""

    async def story() -> None:
        desk = Desk()
        app = desk.application()
        await desk.post(flight(1))
        shown = re.search(r'data-version="(\d+)"', (await get(app)).text)
        assert shown
        await desk.post(flight(2))
        async with viewer(app, f"{BOARD}&since={shown[1]}") as one:
            news = await one.news()
            assert news.flights == ["EV 2"]

    run(story())


def test_the_last_event_counts_more_than_the_address() -> None:
    """A browser that connects again repeats the first address, which is out of date by then."""

    async def story() -> None:
        desk = Desk()
        await desk.post(flight(1))
        async with viewer(desk.application()) as one:
            last = await one.news()
        async with viewer(desk.application(), f"{BOARD}&since=0", last_event_id=last.id) as one:
            assert await one.silent(20)

    run(story())


@pytest.mark.parametrize("since", ["", "x", "-1", "1" * 5000, "٣"])
def test_an_unknown_version_gets_everything(since: str) -> None:
    """Rather than an error: what is sent too much, the page knows already."""

    async def story() -> None:
        desk = Desk()
        await desk.post(flight(1))
        async with viewer(desk.application(), f"{BOARD}&since={since}") as one:
            await one.news()

    run(story())


def test_silence_is_broken_by_heartbeats() -> None:
    """So that a page can tell a quiet board from a lost connection."""

    async def story() -> None:
        desk = Desk(Pace(heartbeat_seconds=15))
        async with viewer(desk.application()) as one:
            begun = asyncio.get_running_loop().time()
            for _ in range(3):
                event = await one.event()
                assert event
                assert event.name == "beat"
            assert asyncio.get_running_loop().time() - begun == pytest.approx(45, abs=1)

    run(story())


def test_one_poller_serves_all_viewers_and_ends_with_the_last(mocker: MockerFixture) -> None:
    """Firestore is asked as often for a hundred as for one, and not at all for none."""

    async def looks(desk: Desk, seconds: float) -> int:
        listing = mocker.spy(desk.documents, "list")
        await asyncio.sleep(seconds)
        mocker.stop(listing)
        return int(listing.call_count)

    async def story() -> None:
        desk = Desk(Pace(poll_seconds=0.5), timeout_seconds=3600)
        app = desk.application()
        async with viewer(app):
            async with asyncio.TaskGroup() as group:
                many = [viewer(app) for _ in range(100)]
                for each in many:
                    group.create_task(each.__aenter__())
            assert await looks(desk, 10) in (19, 20, 21)
            for each in many:
                await each.__aexit__(None, None, None)
            assert await looks(desk, 10) in (19, 20, 21)
        assert await looks(desk, 10) == 0

    run(story())


def test_a_viewer_that_takes_nothing_is_dropped() -> None:
    """Nothing piles up for it; the others go on."""

    async def story() -> None:
        desk = Desk(Pace(send_seconds=20))
        app = desk.application()
        async with viewer(app) as stuck, viewer(app) as other:
            await desk.post(flight(1))
            await other.news()
            await stuck.news()
            stuck.takes.clear()
            await desk.post(flight(2))
            await other.news()
            assert await other.silent(30)
            assert stuck.ended
            assert not other.ended

    run(story())


def test_a_slow_viewer_gets_all_at_once() -> None:
    """What others got in several events it gets in one; it misses nothing."""

    async def story() -> None:
        desk = Desk()
        app = desk.application()
        async with viewer(app) as slow, viewer(app) as other:
            await desk.post(flight(1))
            await other.news()
            await slow.news()
            slow.takes.clear()
            for number in (2, 3, 4):
                await desk.post(flight(number))
                await other.news()
            slow.takes.set()
            flights: list[str] = []
            events = 0
            while len(flights) < 3:
                event = await slow.news()
                flights += event.flights
                events += 1
            assert (flights, events) == (["EV 2", "EV 3", "EV 4"], 2)

    run(story())


def test_a_stream_ends_before_it_is_cut_off() -> None:
    """Within the time that the topology gives a request; the browser then connects again by itself."""

    async def story() -> None:
        desk = Desk(Pace(heartbeat_seconds=15), timeout_seconds=60)
        async with viewer(desk.application()) as one:
            while await one.event():
                pass
            assert 30 < asyncio.get_running_loop().time() < 60

    run(story())


def test_viewers_are_told_when_the_data_is_away(mocker: MockerFixture) -> None:
    """And when it is back; the stream stays open, and what was posted meanwhile follows."""

    async def story() -> None:
        desk = Desk()
        await desk.post(flight(1))
        async with viewer(desk.application()) as one:
            await one.news()
            away = mocker.patch.object(desk.documents, "list", side_effect=ServiceUnavailable("away"))
            stalled = await one.news()
            await desk.post(flight(2))
            mocker.stop(away)
            news, live = await one.news(), await one.news()
            assert (stalled.name, stalled.data) == ("state", "stalled")
            assert news.flights == ["EV 2"]
            assert (live.name, live.data) == ("state", "live")

    run(story())


def test_proxies_and_caches_leave_the_stream_alone() -> None:
    """It is neither stored nor held back."""

    async def story() -> None:
        async with viewer(Desk().application()) as one:
            await one.event()
            assert one.status == 200
            assert one.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert (one.headers["cache-control"], one.headers["x-accel-buffering"]) == ("no-store", "no")

    run(story())


@pytest.mark.parametrize("query", ["", "airport=EWR", "airport=XXX&day=2013-02-08", "airport=EWR&day=today"])
def test_a_board_that_does_not_exist_has_no_stream(query: str) -> None:
    """An answer that is no stream keeps browsers from asking again at once."""
    response = run(get(Desk().application(), f"/events?{query}"))
    assert response.status_code == 404


def test_asking_for_the_head_alone_opens_no_stream() -> None:
    """It would never end."""
    response = run(get(Desk().application(), f"/events?{BOARD}", "HEAD"))
    assert (response.status_code, response.text) == (200, "")
