"""Assessing a reported flight: what is accepted, what it means, and why the rest is rejected."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from contracts.flights import SURPLUS, FlightAssessed, FlightCancelled, FlightReported
from tidegate import Reject
from tidegate_ops.demo.manifests import COLUMNS
from tidegate_ops.project import Project

HANDLER = Project.find(Path(__file__).parent).load_handler("assess_flight")
# Scheduled for 15:28 in Newark; departed at 15:40, 12 minutes late.
ROW = "2013,2,8,1540,1528,12,1655,1640,15,EV,3267,N11165,EWR,ORF,55,284,15,28,2013-02-08T20:00:00Z"
CANCELLED = {"dep_time": "NA", "dep_delay": "NA", "arr_time": "NA", "arr_delay": "NA", "air_time": "NA"}


def assess(without: str = "", **values: str) -> list[FlightAssessed | FlightCancelled]:
    record = dict(zip(COLUMNS, ROW.split(","), strict=True)) | values
    record.pop(without, None)
    report = FlightReported(manifest_id="EWR-20130208T15", origin="EWR", date=date(2013, 2, 8), line=2, record=record)
    return HANDLER.call(report, None)  # type: ignore[no-any-return]


def test_a_flight_gets_its_names() -> None:
    """Airline and airports are named from the desk's tables."""
    (flight,) = assess()
    assert isinstance(flight, FlightAssessed)
    assert flight.flight_id == "EV3267-EWR-20130208"
    assert flight.airline == "ExpressJet Airlines Inc."
    assert (flight.origin_name, flight.destination_name) == ("Newark Liberty Intl", "Norfolk Intl")


def test_an_unknown_destination_has_no_name() -> None:
    """San Juan is not in the table of airports; its flights are real all the same."""
    (flight,) = assess(dest="SJU")
    assert isinstance(flight, FlightAssessed)
    assert flight.destination_name is None


@pytest.mark.parametrize(
    ("time_hour", "offset"), [("2013-02-08T20:00:00Z", -5), ("2013-02-08T19:00:00Z", -4), ("2013-02-08T04:00:00Z", 11)]
)
def test_the_scheduled_departure_is_local_and_aware(time_hour: str, offset: int) -> None:
    """The row's local and UTC hour together give the offset, in winter, in summer, and anywhere."""
    (flight,) = assess(time_hour=time_hour)
    assert isinstance(flight, FlightAssessed)
    assert flight.scheduled_departure.isoformat().startswith("2013-02-08T15:28:00")
    assert flight.scheduled_departure.utcoffset() == timedelta(hours=offset)
    assert flight.departure_hour == "20130208T15"


@pytest.mark.parametrize(
    ("values", "status", "delay"),
    [
        ({"dep_delay": "-8"}, "on_time", -8),
        ({"dep_delay": "14"}, "on_time", 14),
        ({"dep_delay": "15"}, "delayed", 15),
        ({"dep_delay": "3", "air_time": "NA"}, "diverted", 3),
        ({"dep_delay": "90", "air_time": ""}, "diverted", 90),
        (CANCELLED, "cancelled", None),
        (dict.fromkeys(CANCELLED, ""), "cancelled", None),
    ],
)
def test_the_departure_is_classified(values: dict[str, str], status: str, delay: int | None) -> None:
    """Late from 15 minutes on; no departure is a cancellation; no time in the air a diversion."""
    flight = assess(**values)[0]
    assert isinstance(flight, FlightAssessed)
    assert (flight.status, flight.delay_minutes) == (status, delay)


def test_a_cancelled_flight_is_announced_too() -> None:
    """Whoever rebooks passengers need not read every assessment."""
    assessed, cancelled = assess(**CANCELLED)
    assert isinstance(cancelled, FlightCancelled)
    assert cancelled.flight_id == assessed.flight_id
    assert (cancelled.origin, cancelled.destination) == ("EWR", "ORF")
    assert cancelled.scheduled_departure == datetime.fromisoformat("2013-02-08T15:28:00-05:00")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"distance": "1O24"}, "distance is '1O24'"),
        ({"dep_delay": "late"}, "dep_delay is 'late'"),
        ({"dep_delay": "99999999999999999999"}, "dep_delay is '99999999999999999999'"),
        ({"dep_time": "2575"}, "dep_time is '2575': expected a time of day"),
        ({"dep_time": "1260"}, "dep_time is '1260': expected a time of day"),
        ({"arr_time": "-1"}, "arr_time is '-1': expected a time of day"),
        ({"sched_dep_time": "1530"}, "sched_dep_time is 1530, but hour is 15 and minute 28"),
        ({"time_hour": "yesterday"}, "time_hour is 'yesterday'"),
        ({"time_hour": "2013-02-09T20:00:00Z"}, "time_hour is 2013-02-09T20:00Z"),
        ({"month": "2", "day": "30"}, "year, month and day are 2013, 2 and 30"),
        ({"carrier": "ZZ"}, "carrier is 'ZZ': unknown carrier"),
        ({"origin": "QQQ"}, "origin is 'QQQ': unknown airport"),
        ({"origin": "JFK"}, "origin is 'JFK' on 2013-02-08: manifest EWR-20130208T15 is of 'EWR'"),
        ({"dest": "Norfolk"}, "dest is 'Norfolk'"),
        ({"dep_delay": "NA"}, "dep_time is 1540, but dep_delay is None"),
        ({SURPLUS: "gate B12"}, "surplus is 'gate B12': no such column"),
    ],
)
def test_a_malformed_row_is_rejected(values: dict[str, str], reason: str) -> None:
    """The reason names the column and its value, for the person on call."""
    with pytest.raises(Reject) as rejected:
        assess(**values)
    assert reason in str(rejected.value)


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_rejected(column: str) -> None:
    """All 19 columns must be there, if only to say NA."""
    with pytest.raises(Reject, match=f"{column} is missing"):
        assess(without=column)


def test_every_fault_is_named_at_once() -> None:
    """Two faults are two things to mend, not two rounds."""
    with pytest.raises(Reject, match=r"dep_time is '2575'.*; carrier is 'ZZ'"):
        assess(carrier="ZZ", dep_time="2575")
