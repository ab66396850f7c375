"""Where a demo runs: the application, with a way in and two ways to watch it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol

from google.api_core.exceptions import GoogleAPIError
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import Client
from google.pubsub_v1.types import PubsubMessage

from tidegate.errors import PublishFailed
from tidegate.messages import Message, Outgoing
from tidegate_ops.broker import LocalBroker
from tidegate_ops.embedded_stack import EmbeddedStack
from tidegate_ops.emulators import EmulatorsMissing, find_missing
from tidegate_ops.local_stack import LocalStack, Step
from tidegate_ops.log_line import parse
from tidegate_ops.project import Project
from tidegate_ops.tap import Tap

_MAX_CALL_MESSAGES = 100
_CALL_SECONDS = 60


class Engine(StrEnum):
    """What carries the application: the official emulators, this process, or the first of them that is there."""

    AUTO = "auto"
    EMULATORS = "emulators"
    EMBEDDED = "embedded"


class World(Protocol):
    """The running application."""

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish from any thread that was not called back; returns when all are accepted.

        Raises:
            PublishFailed: some were not.
        """
        ...

    def documents(self, collection: str) -> dict[str, dict[str, Any]]:
        """The documents directly in ``collection`` (a path), by their ids."""
        ...

    @property
    def urls(self) -> Mapping[str, str]:
        """Where each HTTP function is open to people and clients."""
        ...


@dataclass(frozen=True, slots=True)
class Witness:
    """Who is told what happens in a world, from several threads.

    Attributes:
        on_message: (topic, message) for each message published; one may be told twice.
        on_delivery: the log line of each delivery, as `tidegate.logs.delivery_line` writes it.
        on_start: what has been reached while the world starts.
    """

    on_message: Callable[[str, Message], None]
    on_delivery: Callable[[Mapping[str, Any]], None]
    on_start: Callable[[str], None]

    def on_step(self, step: Step) -> None:
        """A step of a component of the local stack."""
        if step.done:
            self.on_start(f"{step.component}: {step.state}")

    def on_line(self, component: str, line: str) -> None:
        """Any line of a component's output."""
        fields = parse(line)
        if fields and fields.get("action") == "delivery":
            self.on_delivery(fields)


def choose(wanted: Engine) -> tuple[Engine, str]:
    """The engine to use, never `Engine.AUTO`, and why.

    Raises:
        EmulatorsMissing: they are wanted and not installed.
    """
    if wanted is Engine.EMBEDDED:
        return wanted, "asked for with --engine embedded"
    missing = find_missing()
    if not missing:
        return Engine.EMULATORS, "the official emulators are installed"
    if wanted is Engine.EMULATORS:
        raise EmulatorsMissing(missing)
    return Engine.EMBEDDED, "\n".join(map(str, missing))


@contextmanager
def open_world(engine: Engine, project: Project, environment: Mapping[str, str], witness: Witness) -> Iterator[World]:
    """The application, running on ``engine``; ``environment`` is added to its functions' own."""
    if engine is Engine.EMBEDDED:
        stack = EmbeddedStack(project, environment=environment, on_line=witness.on_line, on_message=witness.on_message)
        with stack:
            yield stack
        return
    topics = project.topology().topics
    with (
        LocalStack(
            project,
            environment=environment,
            on_line=witness.on_line,
            on_step=witness.on_step,
        ) as local,
        LocalBroker(local.state.pubsub_host, local.state.project) as broker,
        Tap(broker.host, broker.project, topics, witness.on_message),
    ):
        yield EmulatorWorld(broker, emulator_firestore(broker.project, local.state.firestore_host), local.urls)


class EmulatorWorld:
    """A world on the official emulators."""

    def __init__(self, broker: LocalBroker, firestore: Client, urls: Mapping[str, str]) -> None:
        self._broker = broker
        self._firestore = firestore
        self._urls = urls

    @property
    def urls(self) -> Mapping[str, str]:
        """Addresses, see `World`."""
        return self._urls

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish, see `World`."""
        for topic, of_topic in groupby(sorted(messages, key=attrgetter("topic")), key=attrgetter("topic")):
            group = [
                PubsubMessage(data=each.data, attributes=each.attributes, ordering_key=each.key) for each in of_topic
            ]
            for start in range(0, len(group), _MAX_CALL_MESSAGES):
                self._call(topic, group[start : start + _MAX_CALL_MESSAGES])

    def documents(self, collection: str) -> dict[str, dict[str, Any]]:
        """Read, see `World`."""
        found = self._firestore.collection(*collection.split("/")).stream()
        return {each.id: each.to_dict() or {} for each in found}

    def _call(self, topic: str, messages: list[PubsubMessage]) -> None:
        try:
            self._broker.publisher.publish(
                topic=self._broker.topic_path(topic), messages=messages, timeout=_CALL_SECONDS
            )
        except GoogleAPIError as error:
            raise PublishFailed(f"{topic} did not take {len(messages)} messages: {error}") from error


def emulator_firestore(project: str, host: str) -> Client:
    """A client on the emulator at ``host``."""
    client = Client(project=project, credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    # The library takes the host from the environment only, where it would reach everything that this process starts.
    client._emulator_host = host
    return client
