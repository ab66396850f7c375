"""Publishing events by hand: what the command line needs to put work into a topic."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from uuid import uuid4

from google.api_core.exceptions import GoogleAPIError, NotFound
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PubsubMessage

from tidegate.contracts import Contract
from tidegate.errors import ConfigurationError, ContractViolation, PublishFailed, TidegateError
from tidegate.events import Event
from tidegate_ops.broker import LocalBroker
from tidegate_ops.emulators import DEFAULT_PROJECT
from tidegate_ops.project import Project
from tidegate_ops.schemas import load_contracts
from tidegate_ops.stack_state import StackState
from tidegate_ops.topology_faults import suggest

_SOURCE = "/cli"
_MAX_MESSAGE_BYTES = 10_000_000
_MAX_CALL_MESSAGES = 100
_MAX_CALL_BYTES = 5_000_000
_CALL_SECONDS = 20


class InvalidEvents(TidegateError):
    """Some of what was to be published is wrong; nothing was published.

    Attributes:
        faults: one line each, with the place in the input.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(["nothing was published:", *faults]))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Payload:
    """An event's data, and where it was read: a file's name, or a name and a line."""

    place: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """Where to publish: a project on the emulator at ``emulator_host``, or in Google Cloud if that is empty."""

    project: str
    emulator_host: str = ""

    @classmethod
    def find(cls, project: Project, named: str = "", environment: Mapping[str, str] = os.environ) -> "Target":
        """The emulator of the environment or else of the running stack; Google Cloud only if ``named``.

        Raises:
            ConfigurationError: there is neither, or the stack is still starting.
        """
        if host := environment.get("PUBSUB_EMULATOR_HOST", ""):
            return cls(named or environment.get("GOOGLE_CLOUD_PROJECT", DEFAULT_PROJECT), host)
        if named:
            return cls(named)
        state = StackState.require(project)
        return cls(state.project, state.pubsub_host)

    def publisher(self) -> PublisherClient:
        """A client for it, with the user's own credentials for Google Cloud and none for the emulator."""
        return LocalBroker(self.emulator_host, self.project).publisher if self.emulator_host else PublisherClient()

    def __str__(self) -> str:
        return f"{self.project} on the emulator at {self.emulator_host}" if self.emulator_host else self.project


@dataclass(frozen=True, slots=True)
class Draft:
    """What the events to publish have in common.

    Attributes:
        contract: what their data has to fit; None to take any.
        id: the event's id, for a single one; empty to draw one each.
        key: the ordering key.
        class_: how important they are; empty for what their topic says.
        attributes: further message attributes.
    """

    topic: str
    contract: type[Contract] | None
    id: str = ""
    key: str = ""
    class_: str = ""
    attributes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def events(self, payloads: Sequence[Payload]) -> list[Event]:
        """One event per payload.

        Raises:
            InvalidEvents: naming each payload that is wrong.
        """
        if faults := [fault for payload in payloads for fault in self._faults(payload)]:
            raise InvalidEvents(faults)
        return [self._event(payload.data) for payload in payloads]

    def message(self, event: Event) -> PubsubMessage:
        """The event as it is published.

        Raises:
            ConfigurationError: a further attribute would replace one of the event's own.
        """
        own = event.attributes()
        if clash := sorted(own.keys() & self.attributes.keys()):
            raise ConfigurationError(f"attribute {', '.join(clash)} is the event's own: leave it out")
        return PubsubMessage(data=event.data, attributes={**own, **self.attributes}, ordering_key=event.key)

    def _faults(self, payload: Payload) -> Iterator[str]:
        if len(payload.data) > _MAX_MESSAGE_BYTES:
            yield f"{payload.place}: {len(payload.data):,} bytes; Pub/Sub takes {_MAX_MESSAGE_BYTES:,} at most"
        elif self.contract:
            try:
                self.contract.parse(payload.data)
            except ContractViolation as error:
                yield f"{payload.place}: {error}"

    def _event(self, data: bytes) -> Event:
        return Event(
            id=self.id or str(uuid4()),
            type=self.topic,
            source=_SOURCE,
            data=data,
            time=datetime.now(UTC),
            version=self.contract.event_version if self.contract else None,
            key=self.key,
            class_=self.class_,
        )


def newest_contract(project: Project, topic: str) -> type[Contract]:
    """The newest version of the contract whose events the topic carries.

    Raises:
        ConfigurationError: no contract is of this type.
    """
    contracts = load_contracts(project)
    versions = [contract for contract in contracts if contract.event_type == topic]
    if not versions:
        known = ", ".join(sorted({contract.event_type for contract in contracts})) or "none"
        raise ConfigurationError(f"no contract is of type {topic} (there are: {known}); --no-validate does without")
    return versions[-1]


def check_class(project: Project, name: str) -> None:
    """Hold a class against the topology.

    Raises:
        ConfigurationError: it has no such class.
    """
    known = project.topology().classes
    if name not in known:
        raise ConfigurationError(f"class {name} is not in topology.yaml ({suggest(name, known)})")


def publish(
    target: Target, topic: str, messages: Sequence[PubsubMessage], *, on_published: Callable[[int], None]
) -> None:
    """Publish in order; ``on_published`` is told how many more are out after each call.

    Raises:
        PublishFailed: Pub/Sub did not accept a call; the message says how many were out before.
    """
    publisher = target.publisher()
    path = publisher.topic_path(target.project, topic)
    done = 0
    for call in _calls(messages):
        try:
            publisher.publish(topic=path, messages=call, timeout=_CALL_SECONDS)
        except NotFound as error:
            raise PublishFailed(f"there is no topic {topic} in {target}: is it in topology.yaml?") from error
        except GoogleAPIError as error:
            raise PublishFailed(f"{target} did not answer after {done} of {len(messages)} events: {error}") from error
        done += len(call)
        on_published(len(call))


def _calls(messages: Sequence[PubsubMessage]) -> Iterator[list[PubsubMessage]]:
    """The messages in portions that one Publish call takes."""
    call: list[PubsubMessage] = []
    size = 0
    for message in messages:
        if call and (len(call) == _MAX_CALL_MESSAGES or size + len(message.data) > _MAX_CALL_BYTES):
            yield call
            call, size = [], 0
        call.append(message)
        size += len(message.data)
    if call:
        yield call
