"""What happens at the flight operations desk."""

import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import AwareDatetime, Field

from tidegate.contracts import Contract

SURPLUS = "surplus"
"""The key under which a reported row keeps what it has beyond the manifest's columns."""

Airport: TypeAlias = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="IATA code, such as JFK.")]
FlightId: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^[A-Z0-9]{2}[0-9]+-[A-Z]{3}-[0-9]{8}$",
        description="Carrier, number, origin and local day of departure, such as EV3267-EWR-20130208; unique.",
    ),
]
Status: TypeAlias = Literal["on_time", "delayed", "diverted", "cancelled"]


class ManifestReceived(Contract, type="manifest.received", version=1):
    """An airport handed in the flights of one departure hour."""

    manifest_id: str = Field(min_length=1, description="Names the manifest, such as EWR-20130208T15.")
    origin: Airport
    date: datetime.date = Field(description="Local day of departure of every row.")
    csv: str = Field(description="The rows as CSV text; the first line names the columns.")


class DayReceived(Contract, type="day.received", version=1):
    """All manifests of one day, handed in together."""

    date: datetime.date = Field(description="Local day of departure.")
    manifests: list[ManifestReceived] = Field(min_length=1)


class DayClosed(Contract, type="day.closed", version=1):
    """Everything that a day's manifests caused has settled, be it done or given up."""

    date: datetime.date


class FlightReported(Contract, type="flight.reported", version=1):
    """One row of a manifest, as it was handed in: nobody has checked it yet."""

    manifest_id: str
    origin: Airport
    date: datetime.date = Field(description="The manifest's day of departure.")
    line: int = Field(ge=2, description="The row's line in the manifest; line 1 is the header.")
    record: dict[str, str] = Field(
        description="Column to text. A column that the row is too short for is absent; "
        f"what a row has too much is joined by commas under {SURPLUS!r}."
    )


class FlightAssessed(Contract, type="flight.assessed", version=1):
    """A reported flight, validated, named and classified."""

    flight_id: FlightId
    carrier: str = Field(description="IATA code of the airline, such as EV.")
    airline: str
    number: int
    origin: Airport
    origin_name: str
    destination: Airport
    destination_name: str | None = Field(description="None where the airport is not in the desk's table.")
    scheduled_departure: AwareDatetime = Field(description="In local time, with its UTC offset.")
    departure_hour: str = Field(
        pattern=r"^[0-9]{8}T[0-9]{2}$", description="Local day and hour of the scheduled departure: 20130208T15."
    )
    status: Status = Field(
        description="cancelled: never departed. diverted: departed, but no time in the air to its destination "
        "is known. delayed: departed 15 minutes late or later. on_time: the rest."
    )
    delay_minutes: int | None = Field(description="Departure delay, negative if early; None if cancelled.")


class FlightCancelled(Contract, type="flight.cancelled", version=1):
    """A flight that never departed: its passengers need another one."""

    flight_id: FlightId
    airline: str
    origin: Airport
    destination: Airport
    scheduled_departure: AwareDatetime = Field(description="In local time, with its UTC offset.")


class PassengersRebooked(Contract, type="passengers.rebooked", version=1):
    """The partner found other seats for the passengers of a cancelled flight."""

    flight_id: FlightId
    origin: Airport
    destination: Airport
    booking_reference: str = Field(min_length=1, description="The partner's name for the booking.")
