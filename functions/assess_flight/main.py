"""Assess one reported flight: check its row, name its airline and airports, classify its departure."""

from flight_row import FlightRow
from reference import AIRLINES, AIRPORTS

from contracts.flights import FlightAssessed, FlightCancelled, FlightReported, Status
from tidegate import Context, Reject, function

DELAYED_FROM_MINUTES = 15
"""From here on a departure counts as delayed, by the definition of the Bureau of Transportation Statistics."""


@function(pure=True)
def assess_flight(report: FlightReported, ctx: Context) -> list[FlightAssessed | FlightCancelled]:
    """Say what became of the flight, and that it was cancelled if it was."""
    row = FlightRow.read(report.record)
    if (row.origin, row.departure_day) != (report.origin, report.date):
        raise Reject(
            f"origin is {row.origin!r} on {row.departure_day}: manifest {report.manifest_id} "
            f"is of {report.origin!r} on {report.date}"
        )
    assessed = FlightAssessed(
        flight_id=f"{row.carrier}{row.flight}-{row.origin}-{row.departure_day:%Y%m%d}",
        carrier=row.carrier,
        airline=AIRLINES[row.carrier],
        number=row.flight,
        origin=row.origin,
        origin_name=AIRPORTS[row.origin],
        destination=row.dest,
        destination_name=AIRPORTS.get(row.dest),
        scheduled_departure=row.scheduled_departure,
        departure_hour=f"{row.scheduled_departure:%Y%m%dT%H}",
        status=_status(row),
        delay_minutes=row.dep_delay,
    )
    if assessed.status != "cancelled":
        return [assessed]
    return [assessed, FlightCancelled.model_validate(assessed.model_dump())]


def _status(row: FlightRow) -> Status:
    if row.dep_delay is None:
        return "cancelled"
    if row.air_time is None:
        return "diverted"
    return "delayed" if row.dep_delay >= DELAYED_FROM_MINUTES else "on_time"
