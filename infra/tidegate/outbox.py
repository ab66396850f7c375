"""From what a handler returned to the messages that its commit owes."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from tidegate.causes import Cause
from tidegate.decisions import Returned
from tidegate.emissions import Emission, Gather, Given, Result
from tidegate.errors import Reject
from tidegate.events import Event, child_id
from tidegate.function_config import FunctionConfig
from tidegate.jobs import COMPENSATION, Compensation, Node
from tidegate.messages import MAX_ATTRIBUTE_BYTES, Outgoing
from tidegate.places import GATHERING, Member, Place
from tidegate.records import record_key
from tidegate.timers import MAX_DELAY, MAX_TASK_BYTES

MARK_ABOVE = 100
"""An outbox of more events than this is marked once it is out, to spare a duplicate the fan-out."""

MAX_DATA_BYTES = 9_000_000
"""Below Pub/Sub's 10 MB a request, which counts attributes and framing as well."""

MAX_WAITING_BYTES = 900_000
"""What waits for a gathering to end, or for a job to fail, waits in a Firestore document of 1 MiB."""


def returned(given: Iterable[Given], *, config: FunctionConfig, cause: Cause) -> Returned:
    """Turn what a handler gave back into its outcome.

    Every child carries the id of its cause and of the first event of all (CloudEvents extensions
    ``causationid``, ``correlationid``), the trace, and its place where a job or a gathering counts it.

    Raises:
        TypeError: an event that the topology does not let this function emit, two results, or a
            result that is not JSON.
        Reject: an event is larger than Pub/Sub takes; committed, it would be owed for ever.
    """
    outbox = _Outbox(config, cause)
    result: str | None = None
    for each in given:
        match each:
            case Result(value):
                if result is not None:
                    raise TypeError(f"{config.function} returned two Results; a job has one")
                result = json.dumps(value, allow_nan=False)
            case Gather():
                outbox.gather(each)
            case Emission():
                outbox.add(each)
    return outbox.placed(result)


def compensation(emission: Emission[Any], number: int, *, config: FunctionConfig, cause: Cause) -> Compensation:
    """What a handler registers as its ``number``-th to be published should its job fail.

    Raises:
        TypeError: the topology does not let this function emit it, or nobody handles it.
        Reject: it is too large.
    """
    assert cause.unit is not None
    message = _message(emission, f"compensation {number}", config, cause)
    functions = config.subscribers.get(message.topic, ())
    if not functions:
        raise TypeError(f"nobody handles {message.topic}, so it cannot compensate anything")
    if len(message.data) > MAX_WAITING_BYTES:
        raise Reject(f"a {message.topic} of {len(message.data):,} bytes is too large for a compensation")
    # With digits enough for names to be in order: what was registered last goes first.
    name = f"{COMPENSATION}{record_key(config.function, cause.key)}.{number:05}"
    node = Node(cause.unit.job, name, len(functions))
    placed = _placed(message, Member(node.job, node.id, 0, node.units), functions)
    return Compensation(node, placed, cause.now + timedelta(days=config.ledger_days))


@dataclass(frozen=True, slots=True)
class _Branch:
    """What takes up units of the record's node: an event, or a gathering with the event that ends it."""

    message: Outgoing
    members: tuple[Outgoing, ...] = ()


@dataclass
class _Outbox:
    """What a handler emits, until all is there and every event can be told its place."""

    config: FunctionConfig
    cause: Cause
    _branches: list[_Branch] = field(default_factory=list)
    _count: int = 0

    def add(self, emission: Emission[Any]) -> None:
        self._branches.append(_Branch(self._message(emission)))

    def gather(self, gathering: Gather[Any, Any]) -> None:
        members = tuple(self._message(each) for each in gathering.events)
        then = self._message(gathering.then)
        if not self._units(members):
            # Nobody handles them, so there is nothing to wait for.
            self._branches += [_Branch(each) for each in (*members, then)]
            return
        if len(then.data) > MAX_WAITING_BYTES:
            raise Reject(f"a {then.topic} of {len(then.data):,} bytes is too large to follow a gathering")
        self._branches.append(_Branch(then, members))

    def placed(self, result: str | None) -> Returned:
        """Everything with its place.

        A record whose events are one unit in all needs no node: that unit takes the record's own place.
        """
        unit, record = self.cause.unit, record_key(self.config.function, self.cause.key)
        nodes: list[Node] = []
        total = sum(self._width(each) for each in self._branches)
        here = unit
        if unit is not None and total > 1:
            nodes.append(Node(unit.job, record, total, unit, None, self.config.function, self.cause.event.id))
            here = Member(unit.job, record, 0, total)
        outbox: list[Outgoing] = []
        for number, branch in enumerate(self._branches):
            # A gathering is a unit of its own, before those of what follows: its members may be redriven meanwhile.
            ahead = replace(here, index=here.index + 1) if here is not None and branch.members else here
            message = self._at(ahead, branch.message)
            if branch.members:
                gathering = Node(
                    unit.job if unit else f"{GATHERING}{record}",
                    f"{record}.{number}",
                    self._units(branch.members),
                    here,
                    message,
                    self.config.function,
                    self.cause.event.id,
                )
                nodes.append(gathering)
                outbox += self._in(gathering, branch.members)
            else:
                outbox.append(message)
            if here is not None and total > 1:
                here = replace(here, index=here.index + self._width(branch))
        return Returned(tuple(outbox), result, tuple(nodes))

    def _in(self, node: Node, messages: Sequence[Outgoing]) -> list[Outgoing]:
        placed: list[Outgoing] = []
        first = 0
        for message in messages:
            placed.append(self._at(Member(node.job, node.id, first, node.units), message))
            first += len(self._functions(message))
        return placed

    def _at(self, member: Member | None, message: Outgoing) -> Outgoing:
        """The message with its place, from ``member`` on; as it is where nobody counts it."""
        functions = self._functions(message)
        if member is None or not functions:
            return message
        return _placed(message, member, functions)

    def _width(self, branch: _Branch) -> int:
        """How many units of the record's node it takes."""
        return len(self._functions(branch.message)) + bool(branch.members)

    def _units(self, messages: Iterable[Outgoing]) -> int:
        return sum(len(self._functions(each)) for each in messages)

    def _functions(self, message: Outgoing) -> tuple[str, ...]:
        return self.config.subscribers.get(message.topic, ())

    def _message(self, emission: Emission[Any]) -> Outgoing:
        self._count += 1
        return _message(emission, self._count - 1, self.config, self.cause)


def _message(emission: Emission[Any], name: int | str, config: FunctionConfig, cause: Cause) -> Outgoing:
    """The event as it is published, but for its place; ``name`` is unique among what the record emits."""
    contract = type(emission.event)
    if contract.event_type not in config.emits:
        raise TypeError(
            f"{config.function} returned {contract.__name__}, but topology.yaml does not list "
            f"{contract.event_type} under its emits"
        )
    due = emission.due(cause.now)
    if due and due - cause.now > MAX_DELAY:
        raise Reject(f"a {contract.event_type} is due at {due:%Y-%m-%d %H:%M}, more than {MAX_DELAY.days} days ahead")
    event = Event(
        id=child_id(config.function, cause.key, name),
        type=contract.event_type,
        source=f"/functions/{config.function}",
        data=emission.event.to_json(),
        time=cause.now,
        version=contract.event_version,
        key=emission.key,
        class_=config.classes.inherited(config.classes.of(config.topic, cause.event.class_), contract.event_type),
        expires=(due or cause.now) + emission.expires_in if emission.expires_in else None,
        extensions=cause.extensions,
    )
    return _checked(Outgoing(contract.event_type, event.data, event.attributes(), event.key, due))


def _placed(message: Outgoing, member: Member, functions: tuple[str, ...]) -> Outgoing:
    place = Place(member.job, member.node, member.index, member.of, functions)
    return _checked(replace(message, attributes={**message.attributes, **place.attributes()}))


def _checked(outgoing: Outgoing) -> Outgoing:
    most = MAX_DATA_BYTES if outgoing.due is None else MAX_TASK_BYTES
    if len(outgoing.data) > most:
        raise Reject(
            f"a {outgoing.topic} of {len(outgoing.data):,} bytes exceeds the {most:,} that an event may "
            "have: keep large data elsewhere and emit its name"
        )
    for name, value in outgoing.attributes.items():
        if len(value.encode()) > MAX_ATTRIBUTE_BYTES:
            raise Reject(f"{name} of {outgoing.topic} exceeds the {MAX_ATTRIBUTE_BYTES:,} bytes of an attribute")
    return outgoing
