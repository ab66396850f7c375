"""Topics and push subscriptions on the emulator, as the topology asks for them."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from google.api_core.exceptions import AlreadyExists
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1.types import DeadLetterPolicy, ExpirationPolicy, PushConfig, RetryPolicy, Subscription

from tidegate.function_config import deployed_name
from tidegate.messages import TARGET
from tidegate.topology import Topology
from tidegate_ops.broker import LocalBroker

_MIN_RETENTION = timedelta(minutes=10)  # Pub/Sub refuses less
# What the emulator lets be changed afterwards; labels, filter and ordering stay as they were created.
_CHANGEABLE = FieldMask(
    paths=["push_config", "ack_deadline_seconds", "dead_letter_policy", "message_retention_duration"]
)


def provision(broker: LocalBroker, topology: Topology, endpoints: Mapping[str, str]) -> None:
    """Create what is missing and bring the rest up to date; may be repeated at will.

    ``endpoints`` maps each function that runs to the URL that its messages are pushed to.
    """
    # The dead-letter topic included, and before the subscriptions: their policies refer to it.
    for topic in {*topology.topics, topology.dead_letter_topic}:
        with suppress(AlreadyExists):
            broker.publisher.create_topic(name=broker.topic_path(topic))
    for function, endpoint in endpoints.items():
        _put(broker, subscription(broker.project, topology, function, endpoint))


def subscription(project: str, topology: Topology, name: str, endpoint: str, *, emulated: bool = True) -> Subscription:
    """The push subscription of function ``name``: on the emulator, or as terraform/ makes it on Google Cloud.

    On the emulator it has no retry policy, so that one delivers again after 1 s, whatever the topology's backoff
    says. With one, the emulator lets the wait grow with each failure on the *subscription*, beyond the policy's
    maximum: of 50 messages that met a function which was down for 4 s, 2 had been delivered again half a minute later.
    """
    function = topology.functions[name]
    wanted = Subscription(
        name=f"projects/{project}/subscriptions/{deployed_name(name)}",
        topic=f"projects/{project}/topics/{function.topic}",
        push_config=PushConfig(push_endpoint=endpoint),
        ack_deadline_seconds=topology.ack_deadline_seconds(name),
        enable_message_ordering=function.ordered,
        message_retention_duration=max(_MIN_RETENTION, timedelta(days=topology.limits.retention_days)),
    )
    # A redriven event is for one function. The emulator stores the filter without applying it; the runtime
    # checks the attribute too. A dead letter keeps its event's attributes, but is for the dead-letter function.
    if function.topic != topology.dead_letter_topic:
        wanted.filter = f'NOT attributes:{TARGET} OR attributes.{TARGET} = "{name}"'
    # What the dead-letter function cannot handle has nowhere else to go. And the emulator fails on a
    # subscription with both ordering and a dead-letter policy (messages get stuck or lost).
    if function.topic != topology.dead_letter_topic and not (function.ordered and emulated):
        wanted.dead_letter_policy = DeadLetterPolicy(
            dead_letter_topic=f"projects/{project}/topics/{topology.dead_letter_topic}",
            max_delivery_attempts=topology.limits.max_deliveries,
        )
    if not emulated:
        wanted.retry_policy = RetryPolicy(
            minimum_backoff=timedelta(seconds=function.backoff.min_seconds),
            maximum_backoff=timedelta(seconds=function.backoff.max_seconds),
        )
        wanted.expiration_policy = ExpirationPolicy()
    return wanted


def _put(broker: LocalBroker, wanted: Subscription) -> None:
    try:
        broker.subscriber.create_subscription(request=wanted)
    except AlreadyExists:
        broker.subscriber.update_subscription(subscription=wanted, update_mask=_CHANGEABLE)
