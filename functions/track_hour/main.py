"""Count the flights of each airport and hour, for the departure board and the morning's figures."""

from google.cloud import firestore

from contracts.flights import FlightAssessed
from tidegate import Context, function

STATUSES = ("on_time", "delayed", "diverted", "cancelled")


@function
async def track_hour(flight: FlightAssessed, ctx: Context) -> None:
    """Add one flight to its airport-hour.

    An increment is no idempotent write. It counts once all the same, because it stands or falls
    with this event's completion. Early departures add 0 minutes of delay.
    """
    counters = {
        "flights": 1,
        **{status: int(flight.status == status) for status in STATUSES},
        "delay_minutes": max(flight.delay_minutes or 0, 0),
    }
    hour = ctx.firestore.collection("airport_hours").document(f"{flight.origin}-{flight.departure_hour}")
    # The zeros too: a reader then finds every counter in every document.
    increments = {name: firestore.Increment(count) for name, count in counters.items()}
    ctx.batch.set(hour, {"date": flight.scheduled_departure.date().isoformat(), **increments}, merge=True)
