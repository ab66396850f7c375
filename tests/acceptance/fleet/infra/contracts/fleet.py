"""What happens in the fleet."""

import os
from pathlib import Path

from tidegate.contracts import Contract

FLEET = Path(os.environ.get("FLEET_DIR", "none"))
"""The folder that the functions share with the test: it lets them go on by files."""


class VoyagePlanned(Contract, type="voyage.planned", version=1):
    """A voyage to ``ports``, with ``crates`` for each of them.

    Crates are numbered over all ports. Those that are ``spoiled`` cannot be landed before the voyage is mended, and
    ``contraband`` not weighed; those that are ``lost`` cannot be landed before they are found.
    """

    voyage: str
    ports: int
    crates: int
    announcements: int
    """How often each crate is announced."""
    gathered: bool
    held: bool
    delayed: bool
    undone: int
    """How many things are to be undone should the voyage fail."""
    spoiled: tuple[int, ...]
    contraband: tuple[int, ...]
    lost: tuple[int, ...]


class Crate(Contract, type="crate.landed", version=1):
    crate: str
    voyage: str
    spoiled: bool
    contraband: bool
    lost: bool


class PortCalled(Contract, type="port.called", version=1):
    voyage: str
    crates: tuple[Crate, ...]


class QuayHeld(Contract, type="quay.held", version=1):
    voyage: str


class VoyageEnded(Contract, type="voyage.ended", version=1):
    voyage: str


class VoyageUndone(Contract, type="voyage.undone", version=1):
    voyage: str
    number: int
