"""A running application as acceptance tests see it: from outside, over the emulators and HTTP."""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import Client
from google.pubsub_v1.types import PubsubMessage

from tests.acceptance.delivery_log import DeliveryLog, Line, eventually
from tidegate_ops.broker import LocalBroker
from tidegate_ops.local_stack import LocalStack
from tidegate_ops.processes import ProcessFailed
from tidegate_ops.project import Project


@dataclass(frozen=True)
class Letter:
    """A filed dead letter, with its payload put together again."""

    function: str
    event_id: str
    fault: str
    reason: str
    attempts: int
    attributes: Mapping[str, str]
    data: bytes
    pieces: int


class Application:
    """One local stack and the clients to try it with."""

    def __init__(self, stack: LocalStack, log: DeliveryLog, broker: LocalBroker) -> None:
        self.stack = stack
        self.log = log
        self._broker = broker
        self._firestore = firestore(stack.state.project, stack.state.firestore_host)

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str], *, key: str = "") -> str:
        """Publish one message as it is; returns its message id."""
        [message_id] = self._publish(topic, [PubsubMessage(data=data, attributes=dict(attributes), ordering_key=key)])
        return message_id

    def emit(self, topic: str, payload: Mapping[str, Any], *, event_id: str = "", key: str = "") -> str:
        """Publish one well-formed event; returns its event id."""
        attributes = event_attributes(topic, event_id=event_id)
        self.publish(topic, json.dumps(payload).encode(), attributes, key=key)
        return attributes["ce-id"]

    def emit_all(self, topic: str, payloads: Iterable[Mapping[str, Any]]) -> list[str]:
        """Publish well-formed events in one request; returns their event ids."""
        messages = [
            PubsubMessage(data=json.dumps(each).encode(), attributes=event_attributes(topic)) for each in payloads
        ]
        self._publish(topic, messages)
        return [each.attributes["ce-id"] for each in messages]

    def post(self, function: str, body: bytes) -> httpx.Response:
        """Send a request body straight to a function."""
        return httpx.post(self.url(function), content=body, headers={"content-type": "application/json"}, timeout=30)

    def push(self, function: str, message_id: str, data: bytes, attributes: Mapping[str, str]) -> httpx.Response:
        """Deliver a message straight to a function, as Pub/Sub would."""
        message = {
            "messageId": message_id,
            "data": base64.b64encode(data).decode(),
            "attributes": dict(attributes),
        }
        return self.post(function, json.dumps({"message": message, "subscription": "s"}).encode())

    def kill(self, function: str, *, worker: bool = True) -> None:
        """Kill the process that handles its requests, or the master above it, once the last one has been replaced."""

        def killed() -> bool:
            try:
                self.stack.kill_function(function, worker=worker)
            except (ProcessFailed, ProcessLookupError):
                return False
            return True

        eventually(killed)

    def url(self, function: str) -> str:
        """Where a function listens."""
        return f"http://127.0.0.1:{self.stack.state.functions[function].port}/"

    def documents(self, collection: str) -> dict[str, dict[str, Any]]:
        """All documents of a collection, by id."""
        return {each.id: each.to_dict() or {} for each in self._firestore.collection(collection).stream()}

    def document(self, path: str) -> dict[str, Any] | None:
        """One document; None if there is none."""
        found: dict[str, Any] | None = self._firestore.document(path).get().to_dict()
        return found

    def letters(self, **fields: object) -> list[Letter]:
        """The dead letters on file that have these values."""
        collection = self._firestore.collection("dead_letters")
        found = (self._letter(each.id, each.to_dict() or {}) for each in collection.stream())
        return [each for each in found if all(getattr(each, name) == value for name, value in fields.items())]

    def wait_letter(self, line: Line) -> Letter:
        """The one letter of a delivery that ended with the verdict dead."""
        found = eventually(lambda: self.letters(function=line["function"], event_id=line["event_id"]))
        assert len(found) == 1
        return found[0]

    def _publish(self, topic: str, messages: list[PubsubMessage]) -> list[str]:
        answer = self._broker.publisher.publish(topic=self._broker.topic_path(topic), messages=messages)
        return list(answer.message_ids)

    def _letter(self, key: str, fields: Mapping[str, Any]) -> Letter:
        payload = self._firestore.collection("dead_letters").document(key).collection("payload")
        pieces = sorted(payload.stream(), key=lambda piece: piece.id)
        assert len(pieces) == fields["pieces"]
        names = ("function", "event_id", "fault", "reason", "attempts", "pieces")
        data = b"".join(piece.to_dict()["data"] for piece in pieces)
        attributes = {each["name"]: each["value"] for each in fields["attributes"]}
        return Letter(**{name: fields[name] for name in names}, attributes=attributes, data=data)


def event_attributes(topic: str, *, event_id: str = "", version: int = 1) -> dict[str, str]:
    """The attributes of a well-formed event."""
    return {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": event_id or uuid4().hex,
        "ce-source": "/tests",
        "ce-type": topic,
        "ce-time": "2013-02-08T06:00:00Z",
        "ce-dataschema": f"urn:tidegate:contract:{topic}:{version}",
    }


def firestore(project: str, host: str) -> Client:
    """A Firestore client on an emulator."""
    client = Client(project=project, credentials=AnonymousCredentials())
    client._emulator_host = host
    return client


@contextmanager
def running(root: Path, environment: Mapping[str, str]) -> Iterator[Application]:
    """The application of the project at ``root``, while it runs."""
    log = DeliveryLog()
    stack = LocalStack(Project(root), environment=environment, on_line=log.note)
    with stack, LocalBroker(stack.state.pubsub_host, stack.state.project) as broker:
        yield Application(stack, log, broker)
