"""A day as a whole: handed in, and summed up when everything in it has settled."""

import asyncio
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from contracts.flights import DayClosed, DayReceived, ManifestReceived
from tidegate import Emission, Gather, Result
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate_ops.project import Project

PROJECT = Project.find(Path(__file__).parent)
OPEN_DAY, CLOSE_DAY = (PROJECT.load_handler(name) for name in ("open_day", "close_day"))
DAY = date(2013, 2, 8)
HOUR = {"flights": 3, "on_time": 1, "delayed": 1, "diverted": 0, "cancelled": 1, "delay_minutes": 40}


def test_a_day_gathers_its_manifests() -> None:
    """Each is an event of its own; the day is closed after them."""
    manifests = [
        ManifestReceived(manifest_id=f"EWR-20130208T{hour:02}", origin="EWR", date=DAY, csv="a\n") for hour in (6, 7)
    ]
    given = OPEN_DAY.call(DayReceived(date=DAY, manifests=manifests), SimpleNamespace())
    assert given == Gather(tuple(map(Emission, manifests)), Emission(DayClosed(date=DAY)))


@pytest.mark.parametrize(
    ("hours", "flights", "delay_minutes"),
    [([], 0, 0), ([DAY], 3, 40), ([DAY, DAY, date(2013, 2, 9)], 6, 80)],
)
def test_the_result_is_the_sum_of_the_days_hours(hours: list[date], flights: int, delay_minutes: int) -> None:
    """Of this day alone, and zeros where it had none."""

    async def closed() -> Result:
        client = memory_firestore(MemoryDocuments())
        for number, day in enumerate(hours):
            await client.document(f"airport_hours/EWR-{number}").set({**HOUR, "date": day.isoformat()})
        result: Result = await CLOSE_DAY.call(DayClosed(date=DAY), SimpleNamespace(firestore=client))
        return result

    value = asyncio.run(closed()).value
    assert (value["date"], value["flights"], value["delay_minutes"]) == ("2013-02-08", flights, delay_minutes)
    assert value.keys() == {"date", *HOUR}
