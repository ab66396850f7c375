"""The desk's tables of airports and airlines: code to name."""

import csv
from pathlib import Path


def _table(name: str) -> dict[str, str]:
    with Path(__file__).with_name(name).open(encoding="utf-8", newline="") as file:
        _header, *rows = csv.reader(file)
    return {code: full_name for code, full_name in rows}  # noqa: C416 - says what the two columns are


AIRPORTS = _table("airports.csv")
AIRLINES = _table("airlines.csv")
