"""The folder that a test shares with the harbour's functions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Witness:
    """Knows of every start of a handler, also of those that no log line can tell of."""

    folder: Path

    def starts(self, **fields: object) -> list[Mapping[str, Any]]:
        """Every start of a handler that has these values, in order."""
        file = self.folder / "witness.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [each for each in lines if all(each[name] == value for name, value in fields.items())]

    def open_scales(self, crate: str) -> None:
        """Let `weigh_crate` go on with this crate."""
        (self.folder / f"open-{crate}").touch()

    def died(self, ship: str) -> bool:
        """Whether `unload_ship` has died at its first publish for this ship."""
        return (self.folder / f"died-{ship}").exists()
