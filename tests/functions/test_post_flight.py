"""Filing departures: what the board will find of one flight."""

import pytest

from tests.departures import DAY, flight
from tidegate.testing import NOON, World


async def test_a_flight_is_one_document(world: World) -> None:
    """It has all that a board shows, the local day to find it by, and the time of its posting."""
    await world.deliver("post_flight", flight(status="delayed", delay_minutes=37))
    [(path, document)] = world.documents.items()
    assert path == "departures/EV3267-EWR-20130208"
    assert (document.pop("posted_at") - NOON).total_seconds() == 0
    assert document == {
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
    }


async def test_posting_again_replaces(world: World) -> None:
    """The same flight twice is one departure, posted a moment later."""
    await world.deliver("post_flight", flight())
    [first] = world.documents.values()
    await world.advance(seconds=1)
    await world.deliver("post_flight", flight())
    [second] = world.documents.values()
    assert (second.pop("posted_at") - first.pop("posted_at")).total_seconds() == 1
    assert second.pop("assessed_at") > first.pop("assessed_at")
    assert second == first


@pytest.mark.parametrize("offset", ["-05:00", "+11:00"])
async def test_the_day_is_the_local_one(world: World, offset: str) -> None:
    """Also where it is another day in UTC."""
    for time in ("00:00", "00:10", "23:50"):
        await world.deliver("post_flight", flight(scheduled_departure=f"{DAY}T{time}:00{offset}"))
        [document] = world.documents.values()
        assert document["day"] == str(DAY)
