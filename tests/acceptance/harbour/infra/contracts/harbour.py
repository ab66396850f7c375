"""What happens in the harbour."""

from typing import Literal

from tidegate.contracts import Contract


class ShipDocked(Contract, type="ship.docked", version=1):
    ship: str
    crates: int
    dies: Literal["before publish", "after publish"]


class CrateUnloaded(Contract, type="crate.unloaded", version=1):
    ship: str
    number: int
    dies: str


class CrateQueued(Contract, type="crate.queued", version=1):
    crate: str


class CargoOffered(Contract, type="cargo.offered", version=1):
    cargo: str


class StormRaised(Contract, type="storm.raised", version=1):
    ship: str


class LogEntered(Contract, type="log.entered", version=1):
    ship: str
    number: int
    fatal: bool = False
