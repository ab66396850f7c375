"""What a delayed event may be, and what is sent to Pub/Sub when it is due: facts of Cloud Tasks.

Source of the limits: "Quotas and limits" of the Cloud Tasks documentation.
"""

import base64
import hashlib
import json
from datetime import timedelta

from tidegate.messages import Outgoing

MAX_DELAY = timedelta(days=30)
"""How far ahead Cloud Tasks takes a task. A clock that is seconds ahead of Google's may see the longest
delay refused; it is taken when the delivery comes again, with less time left."""

MAX_TASK_BYTES = 600_000
"""How much data an event may have that is due later. A task may have 1 MB altogether: the data travels in it as
base64, a third larger, and its attributes need room beside it."""


def task_name(event_id: str) -> str:
    """The last part of the task's name: the same for the same event, in characters that a name may have.

    A digest, since Cloud Tasks gets slow where names have a common beginning.
    """
    return hashlib.sha256(event_id.encode()).hexdigest()


def publish_body(message: Outgoing) -> bytes:
    """The body of Pub/Sub's own REST call ``topics.publish`` for this one message."""
    fields = {"data": base64.b64encode(message.data).decode(), "attributes": dict(message.attributes)}
    if message.key:
        fields["orderingKey"] = message.key
    return json.dumps({"messages": [fields]}).encode()
