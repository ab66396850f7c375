"""Orders: what the functions under test consume and emit."""

from datetime import timedelta
from typing import Any

from tidegate.contracts import Contract
from tidegate.events import Event
from tidegate.inputs import Inbound
from tidegate.messages import Message
from tidegate.testing import NOON


class OrderPlaced(Contract, type="order.placed", version=1):
    """What the functions under test consume."""

    order_id: str = "o-1"
    items: int = 1


class OrderPacked(Contract, type="order.packed", version=1):
    """What they emit."""

    order_id: str = "o-1"
    parcel: int = 0


def order(event_id: str = "event-1", order_id: str = "o-1", *, items: int = 1, **changes: Any) -> Inbound:
    """An order as it arrives; ``changes`` are those of its `Event`."""
    data = OrderPlaced(order_id=order_id, items=items).to_json()
    return arriving(Event(**{"data": data, "id": event_id, **_ORDER, **changes}))


def arriving(event: Event) -> Inbound:
    """An event as the broker delivers it."""
    return Inbound(Message(f"message-of-{event.id}", event.data, event.attributes(), NOON - timedelta(seconds=1)))


_ORDER: dict[str, Any] = {"type": "order.placed", "source": "/shop", "time": NOON, "version": 1}
