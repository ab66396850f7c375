"""Split a manifest into its rows, so that each flight is assessed, retried and rejected on its own."""

import csv
import io
from collections.abc import Iterator

from contracts.flights import SURPLUS, FlightReported, ManifestReceived
from tidegate import Context, Reject, function


@function
def split_manifest(manifest: ManifestReceived, ctx: Context) -> Iterator[FlightReported]:
    """Report every row as it stands: whether it makes sense is for `assess_flight` to say."""
    lines = csv.DictReader(io.StringIO(manifest.csv, newline=""), restkey=SURPLUS)
    try:
        if not lines.fieldnames:
            raise Reject("csv is empty: expected a line of column names, then one line a flight")
        for row in lines:
            yield FlightReported(
                manifest_id=manifest.manifest_id,
                origin=manifest.origin,
                date=manifest.date,
                line=lines.line_num,
                record=_record(row),
            )
    except csv.Error as error:
        raise Reject(f"csv cannot be read beyond line {lines.line_num}: {error}") from error


def _record(row: dict[str, str | list[str] | None]) -> dict[str, str]:
    """The row's own columns: none that it is too short for, and its surplus as one text."""
    return {
        column: ",".join(value) if isinstance(value, list) else value
        for column, value in row.items()
        if value is not None
    }
