"""What happens on the canal."""

from tidegate.contracts import Contract


class BargeArrived(Contract, type="barge.arrived", version=1):
    barge: str
