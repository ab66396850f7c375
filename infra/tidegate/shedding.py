"""Which events are given up under overload, without any effect: by their class, and by how long they have waited."""

from datetime import datetime

from tidegate.decisions import Failed
from tidegate.deliveries import Delivery
from tidegate.function_config import FunctionConfig
from tidegate.records import Failure, Fault


def overload(delivery: Delivery, config: FunctionConfig, now: datetime) -> Failed | None:
    """Why the delivery's event is given up, if it is and nobody has begun with it."""
    event, published = delivery.event, delivery.message.publish_time
    if config.overload_seconds is None or event is None or published is None or delivery.redrive:
        return None  # what an operator sent back is wanted, however late
    name = config.classes.of(config.topic, event.class_)
    patience = config.classes.patience(name, config.overload_seconds)
    if patience is None or now - published <= patience:
        return None
    waited, most = (now - published).total_seconds(), patience.total_seconds()
    reason = f"waited {waited:.0f} s; {name} events are shed after {most:g} s"
    return Failed(Failure(Fault.OVERLOAD, reason), permanent=True)
