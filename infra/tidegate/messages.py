"""What travels: a message as the broker hands it over, and one that is to be published."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

TARGET = "tidegate-target"
REDRIVE = "tidegate-redrive"
CLASS = "tidegate-class"
MAX_ATTRIBUTE_BYTES = 1024
"""The longest value that Pub/Sub takes, of an attribute or an ordering key."""
MAX_ATTRIBUTES = 100
"""The most attributes that Pub/Sub takes on one message."""
_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it arrived, before anybody knows whether it is an event.

    Attributes:
        id: the broker's message id; where an input form has none, a digest of its body.
        data: the payload's bytes, decoded from the transport but otherwise untouched.
        attributes: the message's attributes, names as the publisher wrote them.
        publish_time: when the broker accepted it (aware, UTC); None where the form has none.
        subscription: the subscription's short id; empty where the form has none.
    """

    id: str
    data: bytes
    attributes: Mapping[str, str] = field(default_factory=dict)
    publish_time: datetime | None = None
    subscription: str = ""

    @property
    def redrive(self) -> int:
        """How often an operator sent it back; 0 where nobody did, or the attribute is malformed."""
        return whole_number(self.attributes.get(REDRIVE, "")) or 0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message to publish.

    Attributes:
        topic: the topic's short id.
        key: the ordering key; empty for none. Messages of one key keep their order.
        due: when to publish it (aware, UTC); None for at once.
    """

    topic: str
    data: bytes
    attributes: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    due: datetime | None = None


def whole_number(text: str) -> int | None:
    """The number that an attribute spells; None for anything but one to nine plain digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else None
