"""File each assessed flight as the departure board shows it."""

from google.cloud import firestore

from contracts.flights import FlightAssessed
from tidegate import Context, function


@function
async def post_flight(flight: FlightAssessed, ctx: Context) -> None:
    """Write the flight's one document; writing it again changes nothing but ``posted_at``.

    ``scheduled_departure`` is text, since a Firestore timestamp would lose the offset and with it the
    local time. ``day`` is its local day. ``posted_at`` is Firestore's own time of the write: the boards
    look for what was posted since they last looked.
    """
    ctx.batch.set(
        ctx.firestore.collection("departures").document(flight.flight_id),
        {
            "carrier": flight.carrier,
            "airline": flight.airline,
            "number": flight.number,
            "origin": flight.origin,
            "origin_name": flight.origin_name,
            "destination": flight.destination,
            "destination_name": flight.destination_name,
            "scheduled_departure": flight.scheduled_departure.isoformat(),
            "day": f"{flight.scheduled_departure:%Y-%m-%d}",
            "status": flight.status,
            "delay_minutes": flight.delay_minutes,
            "assessed_at": ctx.event.time,
            "posted_at": firestore.SERVER_TIMESTAMP,
        },
    )
