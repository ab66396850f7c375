"""Splitting a manifest: rows travel on as they are."""

from datetime import date

from contracts.flights import SURPLUS, FlightReported, ManifestReceived
from tidegate.testing import Delivery, Verdict, World, sample


async def split(world: World, csv: str) -> Delivery:
    manifest = sample(
        ManifestReceived, manifest_id="EWR-20130208T15", origin="EWR", date=date(2013, 2, 8).isoformat(), csv=csv
    )
    return await world.deliver("split_manifest", manifest)


async def records(world: World, csv: str) -> list[tuple[int, dict[str, str]]]:
    """Line and record of each row."""
    reports = (await split(world, csv)).emitted
    return [(each.line, each.record) for each in reports if isinstance(each, FlightReported)]


async def test_every_row_is_reported_with_its_line(world: World) -> None:
    """One event a row, in order, numbered as an editor numbers the manifest's lines."""
    assert await records(world, "carrier,flight\nUA,1545\nB6,725\n") == [
        (2, {"carrier": "UA", "flight": "1545"}),
        (3, {"carrier": "B6", "flight": "725"}),
    ]


async def test_a_report_says_where_it_comes_from(world: World) -> None:
    """Manifest, origin and day go along, so that a row can be held against them."""
    delivery = await split(world, "carrier\nUA\n")
    assert delivery.emitted == [
        FlightReported(
            manifest_id="EWR-20130208T15", origin="EWR", date=date(2013, 2, 8), line=2, record={"carrier": "UA"}
        )
    ]


async def test_a_short_row_is_reported_with_what_it_has(world: World) -> None:
    """Absent columns are absent, not empty: empty is a value of its own."""
    assert await records(world, "carrier,flight,dest\nUA,\n") == [(2, {"carrier": "UA", "flight": ""})]


async def test_a_long_row_keeps_its_surplus(world: World) -> None:
    """Nothing is dropped: what is too much is kept under a key of its own."""
    assert await records(world, "carrier\nUA,1545,x\n") == [(2, {"carrier": "UA", SURPLUS: "1545,x"})]


async def test_a_manifest_without_rows_reports_nothing(world: World) -> None:
    """A header alone is a quiet hour."""
    delivery = await split(world, "carrier,flight\n")
    assert (delivery.verdict, delivery.emitted) == (Verdict.DONE, [])


async def test_an_empty_manifest_is_rejected(world: World) -> None:
    """Without column names there is nothing to say of any row."""
    delivery = await split(world, "")
    assert delivery.verdict is Verdict.DEAD
    assert "csv is empty" in delivery.reason


async def test_unreadable_csv_is_rejected_with_its_place(world: World) -> None:
    """A field beyond the reader's limit never gets readable by trying again."""
    delivery = await split(world, f"carrier,flight\nUA,{'9' * 140_000}\n")
    assert delivery.verdict is Verdict.DEAD
    assert "beyond line 1" in delivery.reason
