"""Sum up a day once everything in it has settled: the result of the job that handed it in."""

from collections import Counter

from google.cloud.firestore_v1.base_query import FieldFilter

from contracts.flights import DayClosed
from tidegate import Context, Result, function

COUNTERS = ("flights", "on_time", "delayed", "diverted", "cancelled", "delay_minutes")


@function
async def close_day(closed: DayClosed, ctx: Context) -> Result:
    """Add up the day's airport-hours, which `track_hour` counted."""
    of_the_day = FieldFilter("date", "==", closed.date.isoformat())
    totals = Counter(dict.fromkeys(COUNTERS, 0))
    async for hour in ctx.firestore.collection("airport_hours").where(filter=of_the_day).stream():
        totals.update({name: hour.get(name) for name in COUNTERS})
    return Result({"date": closed.date.isoformat(), **totals})
