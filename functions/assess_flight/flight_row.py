"""A manifest's row as the Bureau of Transportation Statistics defines its columns, checked."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Self, TypeAlias

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError
from reference import AIRLINES, AIRPORTS

from tidegate import Reject

_UTC_OFFSETS = (timedelta(hours=-12), timedelta(hours=14))


def _fault(message: str) -> PydanticCustomError:
    return PydanticCustomError("flight_row", "{message}", {"message": message})


def _clock(value: int) -> int:
    """A time of day as ``hhmm`` without leading zeros; 2400 is the midnight that ends the day."""
    if not 0 <= value <= 2400 or value % 100 > 59:
        raise _fault("expected a time of day from 0 to 2400, as hhmm")
    return value


def _airline(code: str) -> str:
    if code not in AIRLINES:
        raise _fault("unknown carrier")
    return code


def _origin(code: str) -> str:
    if code not in AIRPORTS:
        raise _fault("unknown airport")
    return code


def _missing(value: object) -> object:
    return None if value in ("NA", "") else value


Clock: TypeAlias = Annotated[int, AfterValidator(_clock)]
Delay: TypeAlias = Annotated[int, Field(ge=-10_080, le=10_080)]  # a week of minutes
Absent = BeforeValidator(_missing)


class FlightRow(BaseModel):
    """One flight; a field is None where the row says ``NA`` or nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    year: Annotated[int, Field(ge=1987, le=9999)]
    month: int
    day: int
    dep_time: Annotated[Clock | None, Absent]
    sched_dep_time: Clock
    dep_delay: Annotated[Delay | None, Absent]
    arr_time: Annotated[Clock | None, Absent]
    sched_arr_time: Annotated[Clock | None, Absent]
    arr_delay: Annotated[Delay | None, Absent]
    carrier: Annotated[str, AfterValidator(_airline)]
    flight: Annotated[int, Field(gt=0, le=9999)]
    tailnum: Annotated[str | None, Absent]
    origin: Annotated[str, AfterValidator(_origin)]
    dest: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    air_time: Annotated[Annotated[int, Field(gt=0)] | None, Absent]
    distance: Annotated[int, Field(gt=0)]
    hour: Annotated[int, Field(ge=0, le=23)]
    minute: Annotated[int, Field(ge=0, le=59)]
    time_hour: AwareDatetime

    @classmethod
    def read(cls, record: Mapping[str, str]) -> Self:
        """Check every column.

        Raises:
            Reject: naming each column at fault and its value.
        """
        try:
            return cls.model_validate(record)
        except ValidationError as error:
            raise Reject("; ".join(_explain(fault) for fault in error.errors(include_url=False))) from None

    @property
    def departure_day(self) -> date:
        """The local day of departure."""
        return date(self.year, self.month, self.day)

    @property
    def scheduled_departure(self) -> datetime:
        """The scheduled departure in local time.

        The row gives the scheduled hour twice, in local time and in UTC (``time_hour``); the
        difference is the UTC offset, so no time zone has to be looked up.
        """
        hour = datetime(self.year, self.month, self.day, self.hour, tzinfo=UTC)
        return hour.replace(minute=self.minute, tzinfo=timezone(hour - self.time_hour))

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        try:
            midnight = datetime(self.year, self.month, self.day, tzinfo=UTC)
        except ValueError as error:
            raise _fault(f"year, month and day are {self.year}, {self.month} and {self.day}: {error}") from None
        if self.hour * 100 + self.minute != self.sched_dep_time:
            raise _fault(f"sched_dep_time is {self.sched_dep_time}, but hour is {self.hour} and minute {self.minute}")
        if not _UTC_OFFSETS[0] <= midnight + timedelta(hours=self.hour) - self.time_hour <= _UTC_OFFSETS[1]:
            raise _fault(f"time_hour is {self.time_hour:%Y-%m-%dT%H:%MZ}, too far from the local hour {self.hour}")
        if (self.dep_time is None) != (self.dep_delay is None):
            raise _fault(f"dep_time is {self.dep_time}, but dep_delay is {self.dep_delay}: one lacks the other")
        return self


def _explain(fault: ErrorDetails) -> str:
    column = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return f"{column} is missing"
    if fault["type"] == "extra_forbidden":
        return f"{column} is {fault['input']!r}: no such column is known"
    return f"{column} is {fault['input']!r}: {fault['msg']}" if column else fault["msg"]
