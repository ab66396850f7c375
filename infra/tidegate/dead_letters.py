"""Dead letters: the original message, untouched, with attributes that say why it died.

The runtime's own dead letters and those that Pub/Sub's dead-letter policy forwards have the same
shape, original data and attributes plus a few more, so one reader serves both. Nothing of a dead
letter is stored in the ledger but the failure: it can be built again from the record and any
redelivery of the message, however large the payload is.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from tidegate.events import Event, digest, timestamp, utc
from tidegate.messages import MAX_ATTRIBUTE_BYTES, MAX_ATTRIBUTES, Message, Outgoing, whole_number
from tidegate.records import Failure, Fault
from tidegate.traces import TraceContext

_PREFIX = "tidegate-dead-"
_BACKSTOP = "cloudpubsubdeadlettersource"
_OWN = ("ce-", "tidegate-", "content-type")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that one function gave up on; what the handler of the dead-letter topic receives.

    Attributes:
        function: who gave up on it.
        event_id: the event's id, or the message's where it is no event.
        event_type: the event's type; empty where the message is no event.
        fault, reason: what happened, in a word and in a line for people.
        attempts: how often the handler was started for it.
        redrive: how often it had been sent back before.
        data, attributes: the original message's, to publish it again exactly as it was.
        died_at: when it was given up.
        backstop: True where Pub/Sub's own dead-letter policy sent it, so the function's runtime
            did not give it up itself and may have committed work that nobody published.
    """

    function: str
    event_id: str
    event_type: str
    fault: Fault
    reason: str
    attempts: int
    redrive: int
    data: bytes
    died_at: datetime
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    backstop: bool = False

    @property
    def key(self) -> str:
        """Identifies what died: function, event and payload, whatever the number of redrives."""
        return f"{self.function}.{digest(self.event_id, hashlib.sha256(self.data).hexdigest())}"

    @classmethod
    def build(
        cls, function: str, event_id: str, failure: Failure, message: Message, *, attempts: int, died_at: datetime
    ) -> "DeadLetter":
        """The letter for a message that ``function`` gives up on because of ``failure``."""
        return cls(
            function=function,
            event_id=event_id,
            event_type=message.attributes.get("ce-type", ""),
            fault=failure.fault,
            reason=failure.reason,
            attempts=attempts,
            redrive=message.redrive,
            data=message.data,
            died_at=died_at,
            attributes=message.attributes,
        )

    @classmethod
    def from_message(cls, message: Message, *, now: datetime) -> "DeadLetter":
        """Read a message of the dead-letter topic; never fails, since nothing may be lost here."""
        why = {
            name.removeprefix(_PREFIX): value for name, value in message.attributes.items() if name.startswith(_PREFIX)
        }
        backstop = {
            name.lower().removeprefix(_BACKSTOP): value
            for name, value in message.attributes.items()
            if name.lower().startswith(_BACKSTOP)
        }
        original = {
            name: value
            for name, value in message.attributes.items()
            if not name.startswith(_PREFIX) and not name.lower().startswith(_BACKSTOP)
        }
        function, fault, reason = why.get("function", ""), Fault.UNDELIVERABLE, why.get("reason", "")
        if not function:
            function = backstop.get("subscription", "unknown").replace("-", "_")
            deliveries = backstop.get("deliverycount", "its last")
            reason = f"Pub/Sub gave up after {deliveries} deliveries; see the function's log for crashes or overload"
        elif why.get("fault", "") in set(Fault):
            fault = Fault(why["fault"])
        return cls(
            function=function,
            event_id=why.get("event-id") or original.get("ce-id") or message.id,
            event_type=original.get("ce-type", ""),
            fault=fault,
            reason=reason,
            attempts=whole_number(why.get("attempts", "")) or 0,
            redrive=message.redrive,
            data=message.data,
            died_at=_moment(why.get("at", "")) or message.publish_time or now,
            attributes=MappingProxyType(original),
            backstop="function" not in why,
        )

    def outgoing(self, topic: str, trace: TraceContext) -> Outgoing:
        """The message that carries this letter, written in the span ``trace``; `from_message` reads it back."""
        why = {
            "function": self.function,
            "event-id": self.event_id,
            "fault": str(self.fault),
            "reason": _clip(self.reason),
            "attempts": str(self.attempts),
            "at": timestamp(self.died_at),
            **trace.extensions(),
        }
        added = {_PREFIX + name: value for name, value in why.items()}
        original = dict(_publishable(self.attributes)[: MAX_ATTRIBUTES - len(added)])
        return Outgoing(topic=topic, data=self.data, attributes={**original, **added})

    def event(self) -> Event:
        """The letter as the event that the dead-letter function handles exactly once.

        A message whose function died between its letter and what else it owed comes once more, by the backstop.
        """
        way = ("backstop",) if self.backstop else ()
        return Event(
            id=digest(self.key, str(self.redrive), *way)[:32],
            type="dead.letter",
            source=f"/functions/{self.function}",
            data=self.data,
            time=self.died_at,
        )


def _publishable(attributes: Mapping[str, str]) -> list[tuple[str, str]]:
    """What Pub/Sub takes from a publisher, most important first: better a letter without the last ones than none.

    Attributes that begin with ``goog`` it adds itself (of schemas, say) and takes from nobody else.
    """
    allowed = [(name, value) for name, value in attributes.items() if not name.startswith("goog")]
    return sorted(allowed, key=lambda each: not each[0].startswith(_OWN))


def _moment(text: str) -> datetime | None:
    try:
        return utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def _clip(text: str) -> str:
    """Cut to what a Pub/Sub attribute holds, in bytes, never inside a character."""
    if len(text.encode()) <= MAX_ATTRIBUTE_BYTES:
        return text
    return text.encode()[: MAX_ATTRIBUTE_BYTES - 3].decode(errors="ignore") + "…"
