"""Takes the process down at a ship's first publish, at a moment that no handler can choose."""

import json
import os
from collections.abc import Sequence

from contracts.witness import HARBOUR
from tidegate.adapters.pubsub_publisher import PubSubPublisher
from tidegate.messages import Outgoing

_publish = PubSubPublisher.publish


def install() -> None:
    """From now on, each ship's first publish is the process's last."""
    PubSubPublisher.publish = _publish_and_die  # type: ignore[method-assign]


async def _publish_and_die(self: PubSubPublisher, messages: Sequence[Outgoing]) -> None:
    crate = json.loads(messages[0].data)
    try:
        (HARBOUR / f"died-{crate['ship']}").touch(exist_ok=False)
    except FileExistsError:
        await _publish(self, messages)
        return
    if crate["dies"] == "after publish":
        await _publish(self, messages)
    os._exit(1)
