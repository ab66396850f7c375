"""Days and their manifests from a file, and the rows that are spoilt on purpose."""

import csv
import io
from pathlib import Path
from random import Random

import pytest

from contracts.flights import ManifestReceived
from tidegate_ops.demo import manifests
from tidegate_ops.demo.manifests import COLUMNS, UnreadableFlights, make_days, make_manifests, read_flights, spoil

DAY = Path(manifests.__file__).parent / "data" / "flights-2013-02-08.csv"
HEADER = ",".join(COLUMNS)
ROW = "2013,2,8,1540,1528,12,1655,1640,15,EV,3267,N11165,EWR,ORF,55,284,15,28,2013-02-08T20:00:00Z"


def body(manifest: ManifestReceived) -> list[list[str]]:
    return list(csv.reader(io.StringIO(manifest.csv)))[1:]


def written(folder: Path, *lines: str) -> Path:
    path = folder / "day.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_sample_is_the_blizzard_day() -> None:
    """930 flights of one day, from three airports."""
    rows = read_flights(DAY)
    assert len(rows) == 930
    assert {row[:3] for row in rows} == {("2013", "2", "8")}
    assert {row[12] for row in rows} == {"EWR", "JFK", "LGA"}


def test_manifests_hold_each_flight_once() -> None:
    """Split by airport and hour, nothing lost, nothing twice."""
    rows = read_flights(DAY)
    assert sorted(tuple(line) for manifest in make_manifests(rows) for line in body(manifest)) == sorted(rows)


def test_a_manifest_is_of_one_airport_and_hour() -> None:
    """Its id says which, and its text starts with the columns."""
    for manifest in make_manifests(read_flights(DAY)):
        assert manifest.csv.startswith(HEADER + "\n")
        assert {f"{line[12]}-20130208T{int(line[16]):02}" for line in body(manifest)} == {manifest.manifest_id}


def test_manifests_come_in_order_of_time() -> None:
    """The day is replayed as it went."""
    hours = [manifest.manifest_id.partition("-")[2] for manifest in make_manifests(read_flights(DAY))]
    assert hours == sorted(hours)


def test_a_day_is_all_manifests_of_its_date() -> None:
    """One for each date, in order of time, whatever the order of the rows."""
    friday = read_flights(DAY)
    saturday = [(*row[:2], "9", *row[3:]) for row in friday[:50]]
    days = make_days([*saturday, *friday])
    assert [f"{day.date}" for day in days] == ["2013-02-08", "2013-02-09"]
    assert [day.manifests for day in days] == [make_manifests(friday), make_manifests(saturday)]


def test_columns_may_come_in_any_order(tmp_path: Path) -> None:
    """They are found by name."""
    reordered = written(tmp_path, ",".join(reversed(COLUMNS)), ",".join(reversed(ROW.split(","))))
    assert read_flights(reordered) == [tuple(ROW.split(","))]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "lacks year, month"),
        ([HEADER], "has no flights"),
        ([HEADER.replace("origin", "from"), ROW], "lacks origin and has unknown from"),
        ([f"{HEADER},year", f"{ROW},2013"], "names a column twice"),
        ([HEADER, ROW, f"{ROW},x"], "line 3 has 20 fields: expected 19"),
        ([HEADER, ROW.replace("3267", "EV32")], "line 2: flight is 'EV32': expected a whole number"),
        ([HEADER, ROW.replace("2013,2,8", "2013,2,30")], "line 2: year, month and day are no date"),
        ([HEADER, ROW.replace("EWR", "ewr")], "line 2: origin is 'ewr': expected three capital letters"),
        ([HEADER, ROW.replace("1528,12", "1528,soon")], "line 2: dep_delay is 'soon': expected whole minutes"),
        ([HEADER, ROW, ROW], "lists the flight 2013 2 8 EV 3267 EWR 2 times"),
    ],
)
def test_an_unfit_file_is_refused(tmp_path: Path, lines: list[str], message: str) -> None:
    """The error says where the fault is and what belongs there."""
    with pytest.raises(UnreadableFlights, match=message):
        read_flights(written(tmp_path, *lines))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """By its name, without a traceback of the standard library's."""
    with pytest.raises(UnreadableFlights, match=r"none\.csv cannot be read"):
        read_flights(tmp_path / "none.csv")


def test_spoiling_adds_rows_and_keeps_the_others() -> None:
    """The good rows stay in order; each added one is listed, under a flight number of its own."""
    rows = read_flights(DAY)
    mixed, malformed = spoil(rows, 10, Random(1))
    added = {row.fields for row in malformed}
    assert [row for row in mixed if row not in added] == rows
    assert len(mixed) == len(rows) + 10
    assert [row.flight for row in malformed] == [str(number) for number in range(9001, 9011)]
    assert {row.day for row in malformed} == {"2013-02-08"}


def test_spoilt_rows_differ_in_kind() -> None:
    """Five of them are five kinds of fault."""
    _, malformed = spoil(read_flights(DAY), 5, Random(1))
    assert len({row.reason for row in malformed}) == 5


def test_spoiling_is_repeatable() -> None:
    """The same seed spoils the same rows."""
    rows = read_flights(DAY)
    assert spoil(rows, 7, Random(3)) == spoil(rows, 7, Random(3))


def test_no_more_rows_are_spoilt_than_can_be_told_apart() -> None:
    """Flight numbers have four digits."""
    with pytest.raises(ValueError, match="at most 999"):
        spoil(read_flights(DAY), 1000, Random(1))
