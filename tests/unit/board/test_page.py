"""The board's page, as it comes from the server."""

import re
from datetime import date

import pytest
from google.api_core.exceptions import ServiceUnavailable
from pytest_mock import MockerFixture

from tests.departures import HEADERS, Desk, flight, flights_of_the_day
from tests.unit.board.viewer import BOARD, get
from tidegate.testing.virtual_loop import run


def shown(html: str, field: str) -> list[str]:
    """The texts of one column, from the rows alone."""
    body = html.partition("<tbody")[2].partition("</tbody>")[0]
    return re.findall(rf'data-field="{field}">([^<]*)<', body)


def page(desk: Desk, address: str = "/") -> str:
    async def story() -> str:
        response = await get(desk.application(), address)
        assert response.status_code == 200
        return response.text

    return run(story())


def desk_with(*flights: object) -> Desk:
    desk = Desk()
    run(desk.post(*flights))  # type: ignore[arg-type]
    return desk


def test_departures_stand_by_scheduled_time() -> None:
    """Whatever the order they were posted in; flights of one time by their id."""
    times = {"EV 30": "15:28", "EV 10": "06:05", "EV 20": "15:28"}
    desk = desk_with(
        *(flight(int(name[3:]), scheduled_departure=f"2013-02-08T{time}:00-05:00") for name, time in times.items())
    )
    html = page(desk)
    assert shown(html, "time") == ["06:05", "15:28", "15:28"]
    assert shown(html, "flight") == ["EV 10", "EV 20", "EV 30"]


@pytest.mark.parametrize(
    ("status", "delay", "words"),
    [
        ("on_time", -4, ("On time", "")),
        ("delayed", 37, ("Delayed", "+37 min")),
        ("diverted", 37, ("Diverted", "")),
        ("cancelled", None, ("Cancelled", "")),
    ],
)
def test_each_status_has_its_words(status: str, delay: int | None, words: tuple[str, str]) -> None:
    """Only a delay has a number."""
    html = page(desk_with(flight(status=status, delay_minutes=delay)))
    assert (shown(html, "word"), shown(html, "detail")) == ([words[0]], [words[1]])
    assert f'data-status="{status}"' in html.partition("<tbody")[2].partition("</tbody>")[0]


def test_a_destination_without_a_name_shows_its_code() -> None:
    """Once, not twice."""
    html = page(desk_with(flight(destination="SJU", destination_name=None)))
    assert (shown(html, "destination"), shown(html, "code")) == (["SJU"], [""])


def test_the_day_as_it_was() -> None:
    """The real day: every departure in its place, and counts that add up."""
    flights = flights_of_the_day("JFK")
    html = page(desk_with(*flights), "/?airport=JFK")
    assert len(shown(html, "flight")) == len(flights)
    assert shown(html, "time") == sorted(shown(html, "time"))
    counts = dict(re.findall(r'data-count="(\w+)">(\d+)<', html))
    assert int(counts.pop("flights")) == len(flights) == sum(map(int, counts.values()))
    assert int(counts["cancelled"]) == sum(each.status == "cancelled" for each in flights)


def test_the_newest_day_is_the_default() -> None:
    """Of all airports, so that choosing another one keeps the day."""
    later = flight(2, scheduled_departure="2013-02-09T08:00:00-05:00", origin="LGA")
    html = page(desk_with(flight(1), later))
    assert "Saturday 9 February 2013" in html
    assert shown(html, "flight") == []
    assert 'href="?airport=LGA&amp;day=2013-02-09"' in html


def test_an_earlier_day_can_be_asked_for() -> None:
    """By its address, which the date field of the page leads to as well."""
    later = flight(2, scheduled_departure="2013-02-09T08:00:00-05:00")
    html = page(desk_with(flight(1), later), f"/?{BOARD}")
    assert shown(html, "flight") == ["EV 1"]
    assert '<input type="hidden" name="airport" value="EWR">' in html
    assert f'value="{date(2013, 2, 8)}"' in html


def test_without_any_departure_the_page_looks_again_by_itself() -> None:
    """There is no day yet that it could follow."""
    html = page(Desk())
    assert '<meta http-equiv="refresh" content="5">' in html


def test_texts_are_no_markup() -> None:
    """Whatever an airline calls itself."""
    html = page(desk_with(flight(airline='<script>alert("1")</script>')))
    assert "<script>alert" not in html
    assert shown(html, "airline") == ["&lt;script&gt;alert(&#34;1&#34;)&lt;/script&gt;"]


@pytest.mark.parametrize(
    ("address", "status", "text"),
    [
        ("/?airport=XXX", 404, "choose one of EWR, JFK, LGA"),
        ("/?airport=%3Cb%3E", 404, "&lt;b&gt;"),
        ("/?day=tomorrow", 404, "write it as 2013-02-08"),
        ("/nowhere", 404, "Not Found"),
        ("/assets/none.css", 404, "Not Found"),
        ("/assets/..%2fpage.py", 404, "Not Found"),
    ],
)
def test_what_is_not_there_is_said_so(address: str, status: int, text: str) -> None:
    """With a way back."""
    response = run(get(Desk().application(), address))
    assert response.status_code == status
    assert text in response.text
    assert '<a href="/">' in response.text


def test_a_board_that_cannot_be_read_says_when_to_come_again(mocker: MockerFixture) -> None:
    """Nothing of the error's own text is shown."""
    desk = desk_with(flight())
    mocker.patch.object(desk.documents, "list", side_effect=ServiceUnavailable("secret"))
    response = run(get(desk.application()))
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert "secret" not in response.text


def test_a_page_shows_what_is_posted_by_now() -> None:
    """A second visitor sees what was posted since the first."""

    async def story() -> None:
        desk = Desk()
        app = desk.application()
        await desk.post(flight(1))
        first = await get(app, f"/?{BOARD}")
        await desk.post(flight(2))
        second = await get(app, f"/?{BOARD}")
        assert shown(first.text, "flight") == ["EV 1"]
        assert shown(second.text, "flight") == ["EV 1", "EV 2"]

    run(story())


@pytest.mark.parametrize("address", ["/", "/nowhere", "/assets/board.css", "/?airport=XXX"])
def test_every_answer_carries_the_security_headers(address: str) -> None:
    """Errors too; and nothing may be loaded from elsewhere."""
    response = run(get(desk_with(flight()).application(), address))
    assert {name: response.headers.get(name) for name in HEADERS} == HEADERS
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_needs_nothing_that_the_policy_forbids() -> None:
    """No inline script or style, and no address but relative ones."""
    html = page(desk_with(flight()))
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|javascript:", html)
    assert not re.search(r'(?:href|src)="(?:https?:)?//', html)


def test_assets_are_kept_forever_under_an_address_of_their_content() -> None:
    """The page names them so."""

    async def story() -> None:
        desk = Desk()
        app = desk.application()
        await desk.post(flight())
        addresses = re.findall(r'(?:href|src)="/(assets/[^"]+)"', (await get(app)).text)
        assert [re.sub(r"\?.*", "", each) for each in addresses] == [
            "assets/board.js",
            "assets/icon.svg",
            "assets/board.css",
        ]
        for each in addresses:
            response = await get(app, f"/{each}")
            assert "immutable" in response.headers["cache-control"]

    run(story())


def test_an_asset_that_has_not_changed_is_not_sent_again() -> None:
    """Without its digest in the address, browsers ask each time, and are told no more than that."""

    async def story() -> None:
        app = Desk().application()
        first = await get(app, "/assets/board.css")
        assert first.headers["cache-control"] == "no-cache"
        again = await get(app, "/assets/board.css", if_none_match=first.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        other = await get(app, "/assets/board.css", if_none_match='"other"')
        assert other.content == first.content

    run(story())
