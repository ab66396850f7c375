"""Contracts to try the client with."""

from tidegate.contracts import Contract


class OrderPlaced(Contract, type="order.placed", version=2):
    order: int


class OrderPacked(Contract, type="order.packed", version=1):
    order: int
