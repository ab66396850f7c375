"""Manifests with flights of chosen kinds."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from tidegate_ops.demo.manifests import COLUMNS

ON_TIME, CANCELLED, MALFORMED = "on time", "cancelled", "malformed"


def manifest(day: date, *flights: str) -> dict[str, Any]:
    """A manifest of such flights."""
    rows = [COLUMNS, *(row(day, number, kind) for number, kind in enumerate(flights, start=1))]
    text = "".join(",".join(map(str, each)) + "\n" for each in rows)
    return {"manifest_id": f"JFK-{day:%Y%m%d}T06", "origin": "JFK", "date": day.isoformat(), "csv": text}


def row(day: date, number: int, kind: str) -> Sequence[object]:
    departed = ("NA", 600, "NA", "NA", 656, "NA") if kind == CANCELLED else (558, 600, -2, 657, 656, 1)
    carrier, minutes = "ZZ" if kind == MALFORMED else "B6", "NA" if kind == CANCELLED else 40
    place = ("N624JB", "JFK", "BOS", minutes, 187, 6, 0, f"{day}T11:00:00Z")
    return (day.year, day.month, day.day, *departed, carrier, number, *place)
