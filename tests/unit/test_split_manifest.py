"""Splitting a manifest: rows travel on as they are."""

from datetime import date
from pathlib import Path

import pytest

from contracts.flights import SURPLUS, FlightReported, ManifestReceived
from tidegate import Reject
from tidegate_ops.project import Project

HANDLER = Project.find(Path(__file__).parent).load_handler("split_manifest")


def split(csv: str) -> list[FlightReported]:
    manifest = ManifestReceived(manifest_id="EWR-20130208T15", origin="EWR", date=date(2013, 2, 8), csv=csv)
    return list(HANDLER.call(manifest, None))


def test_every_row_is_reported_with_its_line() -> None:
    """One event a row, in order, numbered as an editor numbers the manifest's lines."""
    reports = split("carrier,flight\nUA,1545\nB6,725\n")
    assert [(report.line, report.record) for report in reports] == [
        (2, {"carrier": "UA", "flight": "1545"}),
        (3, {"carrier": "B6", "flight": "725"}),
    ]


def test_a_report_says_where_it_comes_from() -> None:
    """Manifest, origin and day go along, so that a row can be held against them."""
    (report,) = split("carrier\nUA\n")
    assert (report.manifest_id, report.origin, report.date) == ("EWR-20130208T15", "EWR", date(2013, 2, 8))


def test_a_short_row_is_reported_with_what_it_has() -> None:
    """Absent columns are absent, not empty: empty is a value of its own."""
    assert split("carrier,flight,dest\nUA,\n")[0].record == {"carrier": "UA", "flight": ""}


def test_a_long_row_keeps_its_surplus() -> None:
    """Nothing is dropped: what is too much is kept under a key of its own."""
    assert split("carrier\nUA,1545,x\n")[0].record == {"carrier": "UA", SURPLUS: "1545,x"}


def test_a_manifest_without_rows_reports_nothing() -> None:
    """A header alone is a quiet hour."""
    assert split("carrier,flight\n") == []


def test_an_empty_manifest_is_rejected() -> None:
    """Without column names there is nothing to say of any row."""
    with pytest.raises(Reject, match="csv is empty"):
        split("")


def test_unreadable_csv_is_rejected_with_its_place() -> None:
    """A field beyond the reader's limit never gets readable by trying again."""
    with pytest.raises(Reject, match="beyond line 1"):
        split(f"carrier,flight\nUA,{'9' * 140_000}\n")
