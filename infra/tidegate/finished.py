"""What an instance has brought to an end itself: its duplicates need no look at the ledger."""

from typing import TypeAlias

from tidegate.deliveries import Delivery
from tidegate.places import Member

REMEMBERED = 4_096
"""Deliveries; they take about 1.5 MB. Pub/Sub repeats within seconds, so those of the last minute are what counts."""

_Name: TypeAlias = tuple[str, str, Member | None]


class Finished:
    """The last deliveries whose record is done, and that owe nothing any more.

    It only spares work: whoever is not found here asks the ledger, as any other instance does. Another event of the
    same work is not found either, since a job may wait for that one as well.
    """

    def __init__(self) -> None:
        self._redrives: dict[_Name, int] = {}

    def add(self, delivery: Delivery) -> None:
        """All that its record owes is published, and every join that it completed is closed."""
        self._redrives[_name(delivery)] = delivery.redrive
        if len(self._redrives) > REMEMBERED:
            del self._redrives[next(iter(self._redrives))]

    def __contains__(self, delivery: Delivery) -> bool:
        """Whether nothing is left to be done for it. What an operator sends back is looked at all the same."""
        return delivery.redrive <= self._redrives.get(_name(delivery), -1)


def _name(delivery: Delivery) -> _Name:
    return delivery.event_id, delivery.payload_hash, delivery.unit
