"""What the same events would cost a month if something else handled them.

Each is the plainest form of its kind, and each does less than Tidegate: what it lacks stands beside it.
"""

from collections.abc import Mapping

from tidegate.topology import Limits
from tidegate_ops.costs import (
    COPIES,
    DAYS,
    DELIVERY_REQUESTS,
    EVENT_BYTES,
    INSTANCE_SECONDS,
    LOG_BYTES,
    MEMORY_GIB,
    PROCESSORS,
    TASK_OPERATIONS,
    Usage,
    Workload,
)

KEY_BYTES = 200
"""Of a document that says no more than that an event was seen."""
STEPS = 5
"""Of an execution of Workflows: take the event, call a function, judge its answer, publish, end."""

_GIB = 2**30


def alternatives(events: float) -> Mapping[str, Usage]:
    """Name → units by the name of their price, Tidegate first."""
    request = {
        "run_requests": events * DELIVERY_REQUESTS,
        "run_processors": events * INSTANCE_SECONDS * PROCESSORS,
        "run_memory": events * INSTANCE_SECONDS * MEMORY_GIB,
        "logging_storage": events * LOG_BYTES / _GIB,
    }
    messages = {"pubsub_throughput": events * COPIES * EVENT_BYTES / _GIB}
    keys = {
        "firestore_writes": events,
        "firestore_deletes": events,
        "firestore_storage": events * KEY_BYTES / _GIB * Limits().ledger_days / DAYS,
    }
    return {
        "Tidegate": Workload(events).usage(),
        "Tidegate, pure": Workload(events, pure=1).usage(),
        "by hand, with a key": {**request, **messages, **keys},
        "by hand, without": {**request, **messages},
        "Cloud Tasks": {**request, "tasks_operations": events * TASK_OPERATIONS},
        "Workflows": {**request, **messages, "workflows_steps": events * STEPS},
    }
