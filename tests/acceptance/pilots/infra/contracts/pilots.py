"""What happens before a ship arrives."""

from tidegate.contracts import Contract


class ShipExpected(Contract, type="ship.expected", version=1):
    ship: str
    in_seconds: float


class PilotCalled(Contract, type="pilot.called", version=1):
    ship: str
