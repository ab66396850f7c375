"""From what a handler returned to the messages that its commit owes."""

import json
from collections.abc import Iterable
from datetime import datetime
from types import MappingProxyType
from typing import Any

from tidegate.decisions import Returned
from tidegate.emissions import Emission, Result
from tidegate.errors import Reject
from tidegate.events import Event, child_id
from tidegate.messages import MAX_ATTRIBUTE_BYTES, Outgoing
from tidegate.topology import FunctionConfig

MARK_ABOVE = 100
"""An outbox of more events than this is marked once it is out, to spare a duplicate the fan-out."""

MAX_DATA_BYTES = 9_000_000
"""Below Pub/Sub's 10 MB a request, which counts attributes and framing as well."""


def returned(
    given: Iterable[Emission[Any] | Result], *, config: FunctionConfig, cause: Event, key: str, now: datetime
) -> Returned:
    """Turn what a handler gave back into its outcome.

    Every child carries the id of its cause and of the first event of all (CloudEvents extensions
    ``causationid``, ``correlationid``) and the trace.

    Raises:
        TypeError: an event that the topology does not let this function emit, two results, or a
            result that is not JSON.
        Reject: an event is larger than Pub/Sub takes; committed, it would be owed for ever.
    """
    outbox: list[Outgoing] = []
    result: str | None = None
    lineage = {
        "causationid": cause.id,
        "correlationid": cause.extensions.get("correlationid", cause.id),
        **{name: cause.extensions[name] for name in ("traceparent", "tracestate") if name in cause.extensions},
    }
    for each in given:
        if isinstance(each, Result):
            if result is not None:
                raise TypeError(f"{config.function} returned two Results; a job has one")
            result = json.dumps(each.value, allow_nan=False)
        else:
            outbox.append(_outgoing(each, len(outbox), config, key, now, lineage))
    return Returned(tuple(outbox), result)


def _outgoing(
    emission: Emission[Any], index: int, config: FunctionConfig, key: str, now: datetime, lineage: dict[str, str]
) -> Outgoing:
    contract = type(emission.event)
    if contract.event_type not in config.emits:
        raise TypeError(
            f"{config.function} returned {contract.__name__}, but topology.yaml does not list "
            f"{contract.event_type} under its emits"
        )
    event = Event(
        id=child_id(config.function, key, index),
        type=contract.event_type,
        source=f"/functions/{config.function}",
        data=emission.event.to_json(),
        time=now,
        version=contract.event_version,
        key=emission.key,
        expires=now + emission.expires_in if emission.expires_in else None,
        extensions=MappingProxyType(lineage),
    )
    outgoing = Outgoing(contract.event_type, event.data, event.attributes(), event.key)
    _check_size(outgoing)
    return outgoing


def _check_size(outgoing: Outgoing) -> None:
    if len(outgoing.data) > MAX_DATA_BYTES:
        raise Reject(
            f"a {outgoing.topic} of {len(outgoing.data):,} bytes exceeds the {MAX_DATA_BYTES:,} that an event may "
            "have: keep large data elsewhere and emit its name"
        )
    for name, value in outgoing.attributes.items():
        if len(value.encode()) > MAX_ATTRIBUTE_BYTES:
            raise Reject(f"{name} of {outgoing.topic} exceeds the {MAX_ATTRIBUTE_BYTES:,} bytes of an attribute")
