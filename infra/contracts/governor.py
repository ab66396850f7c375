"""What wakes the governor."""

from tidegate.contracts import Contract


class GovernorWoken(Contract, type="governor.woken", version=1):
    """Something may have changed that decides which functions are paused; ``cause`` says what, for people."""

    cause: str
