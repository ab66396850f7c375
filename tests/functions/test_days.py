"""A day as a whole: handed in, and summed up when everything in it has settled."""

from datetime import date

import pytest

from contracts.flights import DayClosed, DayReceived, ManifestReceived
from tidegate.testing import World

DAY = date(2013, 2, 8)
HOUR = {"flights": 3, "on_time": 1, "delayed": 1, "diverted": 0, "cancelled": 1, "delay_minutes": 40}


async def test_a_day_gathers_its_manifests(world: World) -> None:
    """Each is an event of its own; the day is closed after them, which the whole application sees to."""
    manifests = [
        ManifestReceived(manifest_id=f"EWR-20130208T{hour:02}", origin="EWR", date=DAY, csv="a\n") for hour in (6, 7)
    ]
    delivery = await world.deliver("open_day", DayReceived(date=DAY, manifests=manifests))
    assert delivery.emitted == manifests
    run = await world.run(DayReceived(date=DAY, manifests=manifests))
    assert run.events(DayClosed) == [DayClosed(date=DAY)]


@pytest.mark.parametrize(
    ("hours", "flights", "delay_minutes"),
    [([], 0, 0), ([DAY], 3, 40), ([DAY, DAY, date(2013, 2, 9)], 6, 80)],
)
async def test_the_result_is_the_sum_of_the_days_hours(
    world: World, hours: list[date], flights: int, delay_minutes: int
) -> None:
    """Of this day alone, and zeros where it had none."""
    for number, day in enumerate(hours):
        world.documents[f"airport_hours/EWR-{number}"] = {**HOUR, "date": day.isoformat()}
    value = (await world.deliver("close_day", DayClosed(date=DAY))).result
    assert (value["date"], value["flights"], value["delay_minutes"]) == ("2013-02-08", flights, delay_minutes)
    assert value.keys() == {"date", *HOUR}
