"""What happens at customs."""

from tidegate.contracts import Contract


class CargoDeclared(Contract, type="cargo.declared", version=1):
    cargo: str


class CargoCleared(Contract, type="cargo.cleared", version=1):
    cargo: str
