"""A board in words: what the page shows of each departure, first and in updates alike."""

from collections import Counter
from collections.abc import Iterable
from typing import TypedDict

from departure_board.departures import Departure

STATUSES = {"on_time": "On time", "delayed": "Delayed", "diverted": "Diverted", "cancelled": "Cancelled"}


class Row(TypedDict):
    """One row. ``order`` sorts rows as text; the others but ``id`` and ``status`` are shown."""

    id: str
    order: str
    status: str
    time: str
    flight: str
    airline: str
    destination: str
    code: str
    word: str
    detail: str


class Counts(TypedDict):
    """How many departures a board has, and how many of each status."""

    flights: int
    on_time: int
    delayed: int
    diverted: int
    cancelled: int


def row(departure: Departure) -> Row:
    """A departure as it is shown."""
    late = departure.status == "delayed" and departure.delay_minutes
    return Row(
        id=departure.flight_id,
        order=f"{departure.scheduled} {departure.flight_id}",
        status=departure.status,
        time=departure.scheduled[11:16],
        flight=f"{departure.carrier} {departure.number}",
        airline=departure.airline,
        destination=departure.destination_name or departure.destination,
        code=departure.destination if departure.destination_name else "",
        word=STATUSES.get(departure.status, departure.status),
        detail=f"+{departure.delay_minutes} min" if late else "",
    )


def counts(departures: Iterable[Departure]) -> Counts:
    """The summary of a board."""
    by_status = Counter(each.status for each in departures)
    return Counts(
        flights=by_status.total(),
        on_time=by_status["on_time"],
        delayed=by_status["delayed"],
        diverted=by_status["diverted"],
        cancelled=by_status["cancelled"],
    )
