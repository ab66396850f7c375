"""Counting flights: what one flight adds to its airport-hour."""

from typing import Any

import pytest

from contracts.flights import FlightAssessed
from tidegate.testing import World, sample

HOUR = "airport_hours/EWR-20130208T15"
NOTHING = {"on_time": 0, "delayed": 0, "diverted": 0, "cancelled": 0, "delay_minutes": 0}


async def track(world: World, **flight: Any) -> dict[str, Any]:
    """The airport-hour after one more flight."""
    fields = {
        "origin": "EWR",
        "departure_hour": "20130208T15",
        "scheduled_departure": "2013-02-08T15:28:00-05:00",
        "delay_minutes": None,
    }
    await world.deliver("track_hour", sample(FlightAssessed, **fields | flight))
    assert list(world.documents) == [HOUR]
    return world.documents[HOUR]


@pytest.mark.parametrize("status", ["on_time", "delayed", "diverted", "cancelled"])
async def test_a_flight_counts_under_its_status(world: World, status: str) -> None:
    """One document an airport and local hour, with its date and every counter, the others at zero."""
    assert await track(world, status=status) == {"date": "2013-02-08", "flights": 1, **NOTHING, status: 1}


async def test_counters_add_up(world: World) -> None:
    """None is overwritten, and a flight that is delivered twice counts once."""
    await track(world, status="on_time")
    delivery = await world.deliver("track_hour", sample(FlightAssessed, origin="JFK"))
    await world.redeliver(delivery)
    assert {each["flights"] for each in world.documents.values()} == {1}
    del world.documents[next(path for path in world.documents if path != HOUR)]
    assert (await track(world, status="delayed"))["flights"] == 2


@pytest.mark.parametrize(("delay", "added"), [(37, 37), (-8, 0), (None, 0)])
async def test_only_lateness_adds_minutes(world: World, delay: int | None, added: int) -> None:
    """An early departure makes no other one less late."""
    assert (await track(world, status="delayed", delay_minutes=delay))["delay_minutes"] == added
