"""Cancelled flights by the number: what the experiments put through the application."""

from collections.abc import Iterator
from datetime import UTC, datetime

from contracts.flights import FlightCancelled
from tidegate.events import Event
from tidegate.messages import Outgoing
from tidegate_ops.experiments.bench import TOPIC

_MIDNIGHT = datetime(2013, 2, 8, tzinfo=UTC)
_SOURCE = "/experiments"


def cancelled(first: int, count: int) -> Iterator[FlightCancelled]:
    """So many different flights; those of other numbers are others."""
    for number in range(first, first + count):
        yield FlightCancelled(
            flight_id=f"EX{number}-EWR-20130208",
            airline="Experimental Air",
            origin="EWR",
            destination="SAN",
            scheduled_departure=_MIDNIGHT,
        )


def event_ids(count: int) -> set[str]:
    """The ids of the events of the first flights."""
    return {flight.flight_id for flight in cancelled(0, count)}


def message(flight: FlightCancelled) -> Outgoing:
    """The flight's event, as it is published."""
    event = Event(
        id=flight.flight_id,
        type=TOPIC,
        source=_SOURCE,
        data=flight.to_json(),
        time=datetime.now(UTC),
        version=FlightCancelled.event_version,
    )
    return Outgoing(TOPIC, event.data, event.attributes())
