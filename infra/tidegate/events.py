"""Events: immutable facts in CloudEvents 1.0 form, bound to Pub/Sub attributes.

Source of the format: CloudEvents 1.0 core specification, its Google Cloud Pub/Sub protocol
binding (``ce-`` attributes, ``content-type``), and its documented extensions ``partitionkey``,
``expirytime``, ``correlationid``, ``causationid`` and ``traceparent``.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType

from tidegate.errors import Undecodable
from tidegate.messages import CLASS, REDRIVE, TARGET, Message, whole_number

SCHEMA_PREFIX = "urn:tidegate:contract:"
_REQUIRED = ("ce-id", "ce-source", "ce-type", "ce-specversion")
_CORE = frozenset({*_REQUIRED, "ce-time", "ce-dataschema", "ce-partitionkey", "ce-expirytime"})


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. ``id`` is its identity wherever it travels and however often it is published.

    Attributes:
        id, source, type, time: the CloudEvents attributes of these names (``time`` aware, UTC).
        data: the JSON text of the payload, as bytes.
        version: the contract version named by ``dataschema``; None where the publisher named none.
        key: the ordering key (CloudEvents ``partitionkey``); empty for none.
        expires: after this moment the event is shed instead of handled; None for never.
        target: the one function that shall handle it (set by redrive); empty for every subscriber.
        redrive: how often an operator sent it back after it was dead-lettered.
        class_: how important it is, in a word of the topology's; empty for what its topic says.
        extensions: every other ``ce-`` attribute, without the prefix.
    """

    id: str
    type: str
    source: str
    data: bytes
    time: datetime
    version: int | None = None
    key: str = ""
    expires: datetime | None = None
    target: str = ""
    redrive: int = 0
    class_: str = ""
    extensions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def from_message(cls, message: Message, *, topic: str, now: datetime) -> "Event":
        """Read the event that a message carries.

        A message without any ``ce-`` attribute is a plain Pub/Sub message: its id is the message
        id, its type the topic's name.

        Raises:
            Undecodable: an attribute is missing or malformed; the message names it.
        """
        attributes = message.attributes
        published = message.publish_time or now
        if not any(name.startswith("ce-") for name in attributes):
            return cls(
                id=message.id,
                type=topic,
                source="/pubsub",
                data=message.data,
                time=published,
                target=attributes.get(TARGET, ""),
                redrive=_redrive(attributes),
                class_=attributes.get(CLASS, ""),
            )
        missing = [name for name in _REQUIRED if not attributes.get(name)]
        if missing:
            raise Undecodable(
                f"missing attribute {', '.join(missing)}: a CloudEvent on Pub/Sub needs "
                f"{', '.join(_REQUIRED)}, a plain message none of them"
            )
        if attributes["ce-specversion"] != "1.0":
            raise Undecodable(f"ce-specversion is {attributes['ce-specversion']!r}: only '1.0' is understood")
        expiry = attributes.get("ce-expirytime")
        return cls(
            id=attributes["ce-id"],
            type=attributes["ce-type"],
            source=attributes["ce-source"],
            data=message.data,
            time=_time(attributes["ce-time"], "ce-time") if attributes.get("ce-time") else published,
            version=_version(attributes.get("ce-dataschema", "")),
            key=attributes.get("ce-partitionkey", ""),
            expires=_time(expiry, "ce-expirytime") if expiry else None,
            target=attributes.get(TARGET, ""),
            redrive=_redrive(attributes),
            class_=attributes.get(CLASS, ""),
            extensions=MappingProxyType(
                {
                    name.removeprefix("ce-"): value
                    for name, value in attributes.items()
                    if name.startswith("ce-") and name not in _CORE
                }
            ),
        )

    def attributes(self) -> dict[str, str]:
        """The Pub/Sub attributes that `from_message` reads back to this event."""
        attributes = {
            "content-type": "application/json",
            "ce-specversion": "1.0",
            "ce-id": self.id,
            "ce-source": self.source,
            "ce-type": self.type,
            "ce-time": timestamp(self.time),
        }
        if self.version is not None:
            attributes["ce-dataschema"] = f"{SCHEMA_PREFIX}{self.type}:{self.version}"
        if self.key:
            attributes["ce-partitionkey"] = self.key
        if self.expires:
            attributes["ce-expirytime"] = timestamp(self.expires)
        if self.target:
            attributes[TARGET] = self.target
        if self.redrive:
            attributes[REDRIVE] = str(self.redrive)
        if self.class_:
            attributes[CLASS] = self.class_
        for name, value in self.extensions.items():
            attributes[f"ce-{name}"] = value
        return attributes


def child_id(function: str, parent: str, name: int | str) -> str:
    """The id of the event that ``function`` emits for ``parent`` under ``name``, such as its number.

    Derived, not drawn: whoever publishes an outbox again publishes the same ids.
    """
    return digest(function, parent, str(name))[:32]


def digest(*parts: str) -> str:
    """A SHA-256 in hex over parts that cannot run into one another."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, the one spelling that Tidegate writes."""
    return _spelled(moment.astimezone(UTC))


def utc(moment: datetime) -> datetime:
    """The moment in UTC; one without a time zone is taken to be in UTC already.

    Raises:
        OverflowError: it has no UTC form, such as midnight of the year 1 east of Greenwich.
    """
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


@lru_cache(maxsize=64)  # all that one delivery emits is of one moment
def _spelled(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _time(text: str, name: str) -> datetime:
    try:
        return utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise Undecodable(f"{name} is {text!r}: expected an RFC 3339 time such as 2013-02-08T06:00:00Z") from None


def _version(schema: str) -> int | None:
    """The version in our own data schema names; a foreign schema says nothing about versions."""
    if not schema.startswith(SCHEMA_PREFIX):
        return None
    number = whole_number(schema.rpartition(":")[2])
    if number is None:
        raise Undecodable(f"ce-dataschema is {schema!r}: expected {SCHEMA_PREFIX}TYPE:VERSION")
    return number


def _redrive(attributes: Mapping[str, str]) -> int:
    text = attributes.get(REDRIVE, "0")
    number = whole_number(text)
    if number is None:
        raise Undecodable(f"{REDRIVE} is {text!r}: expected a whole number")
    return number
