"""Rebook the passengers of a cancelled flight with a partner whose API is slow, flaky and costs money."""

from functools import cache

import httpx
from pydantic import BaseModel, Field

from contracts.flights import FlightCancelled, PassengersRebooked
from tidegate import Context, Reject, function

RETRIABLE = (httpx.codes.REQUEST_TIMEOUT, httpx.codes.CONFLICT, httpx.codes.TOO_MANY_REQUESTS)


class Booking(BaseModel):
    """What we need of the partner's answer."""

    reference: str = Field(min_length=1)


@function
async def rebook_passengers(flight: FlightCancelled, ctx: Context) -> PassengersRebooked:
    """Book once, however often it takes to get an answer, and keep the reference.

    The step keeps a booking that was answered; the idempotency key lets the partner recognise one
    whose answer was lost, whoever asks again: the same run at once, or a later attempt.
    """
    async with ctx.dependency("rebooking-api") as api:
        reference: str = await ctx.step("book", api.call, book, api.url, flight, key=ctx.idempotency_key("book"))
    rebooked = PassengersRebooked(
        flight_id=flight.flight_id, origin=flight.origin, destination=flight.destination, booking_reference=reference
    )
    ctx.batch.set(ctx.firestore.collection("rebookings").document(flight.flight_id), rebooked.model_dump())
    return rebooked


async def book(url: str, flight: FlightCancelled, *, key: str) -> str:
    """Ask the partner for seats and return the booking's reference.

    Raises:
        Reject: the partner refuses this booking for good.
        httpx.HTTPError, ValidationError: no answer, or none that can be read; it may succeed later.
    """
    answer = await _client().post(
        f"{url}/bookings", json=flight.model_dump(mode="json"), headers={"Idempotency-Key": key}
    )
    if answer.is_client_error and answer.status_code not in RETRIABLE:
        raise Reject(f"the partner refused {flight.flight_id} with {answer.status_code}: {answer.text[:200]}")
    answer.raise_for_status()
    return Booking.model_validate_json(answer.content).reference


@cache
def _client() -> httpx.AsyncClient:
    """One pool of connections per instance, made inside its event loop; `Context.dependency` bounds the time."""
    return httpx.AsyncClient(timeout=None)  # noqa: S113 - bounded there, for the whole call
