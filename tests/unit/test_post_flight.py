"""Filing departures: what the board will find of one flight."""

import pytest

from tests.departures import DAY, NOON, Desk, flight
from tests.simulation.virtual_loop import run
from tests.worlds import StandingClock


def test_a_flight_is_one_document() -> None:
    """It has all that a board shows, the local day to find it by, and the time of its posting."""
    desk = Desk()
    run(desk.post(flight(status="delayed", delay_minutes=37)))
    [document] = desk.documents.list("departures")
    assert document.path == "departures/EV3267-EWR-20130208"
    assert document.fields == {
        "carrier": "EV",
        "airline": "ExpressJet Airlines Inc.",
        "number": 3267,
        "origin": "EWR",
        "origin_name": "Newark Liberty Intl",
        "destination": "ORF",
        "destination_name": "Norfolk Intl",
        "scheduled_departure": "2013-02-08T15:28:00-05:00",
        "day": "2013-02-08",
        "status": "delayed",
        "delay_minutes": 37,
        "assessed_at": NOON,
        "posted_at": document.update_time.replace(microsecond=document.update_time.microsecond // 1000 * 1000),
    }


def test_posting_again_replaces() -> None:
    """The same flight twice is one departure, posted a moment later."""
    clock = StandingClock()
    desk = Desk()
    desk.documents.clock = clock
    run(desk.post(flight()))
    [first] = desk.documents.list("departures")
    clock.advance(1)
    run(desk.post(flight()))
    [second] = desk.documents.list("departures")
    assert second.fields.pop("posted_at") > first.fields.pop("posted_at")
    assert second.fields == first.fields


@pytest.mark.parametrize("offset", ["-05:00", "+11:00"])
def test_the_day_is_the_local_one(offset: str) -> None:
    """Also where it is another day in UTC."""
    desk = Desk()
    for time in ("00:00", "00:10", "23:50"):
        run(desk.post(flight(scheduled_departure=f"{DAY}T{time}:00{offset}")))
        [document] = desk.documents.list("departures")
        assert document.fields["day"] == str(DAY)
