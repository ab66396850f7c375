"""What an event has caused, by the records alone: the proof must not believe the counts that it is about."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tidegate.adapters.job_documents import message_of
from tidegate.adapters.memory_documents import Document, MemoryDocuments
from tidegate.adapters.record_document import LEDGER, record_of
from tidegate.messages import Outgoing
from tidegate.records import Record, Status, idempotency_key, record_key
from tidegate.topology import Topology


@dataclass(frozen=True)
class Unit:
    """One function's handling of one event, as far as it has come.

    Attributes:
        record: of the work, which several events may share.
        given_up: a dead letter of this very event was published.
        redriven: this very event was sent back, or one that it came of.
    """

    function: str
    message: Outgoing
    record: Record | None
    given_up: bool
    redriven: bool

    @property
    def name(self) -> tuple[str, str]:
        return self.function, self.message.attributes["ce-id"]

    @property
    def ended(self) -> bool:
        concluded = self.record is not None and self.record.status in (Status.DONE, Status.FAILED)
        return concluded or self.contradicts or (self.doubtful and self.given_up)

    @property
    def dead(self) -> bool:
        """Whether it was given up; one that contradicts what is done is taken for done itself when it is sent back."""
        return (self.contradicts and not self.redriven) or (
            self.record is not None and self.record.status is Status.FAILED
        )

    @property
    def contradicts(self) -> bool:
        """Whether the record is about another payload."""
        return (
            self.record is not None
            and self.record.event_id != self.message.attributes["ce-id"]
            and self.record.payload_hash != hashlib.sha256(self.message.data).hexdigest()
        )

    @property
    def doubtful(self) -> bool:
        """Whether it may have been given up before another event did the same work."""
        return self.record is not None and self.record.event_id != self.message.attributes["ce-id"]

    def __str__(self) -> str:
        status = self.record.status if self.record else "not even begun"
        return f"{self.function} of {self.message.attributes['ce-id'][:8]} ({status})"


@dataclass
class Walk:
    """Finds everything that an event has caused so far.

    Attributes:
        thens: job and node of a gathering → what follows it.
        given_up: (function, event id) of each dead letter that was published.
        redriven: the same of each event that was sent back.
    """

    documents: MemoryDocuments
    topology: Topology
    thens: dict[tuple[str, str], Outgoing] = field(default_factory=dict)
    given_up: set[tuple[str, str]] = field(default_factory=set)
    redriven: set[tuple[str, str]] = field(default_factory=set)
    _read: dict[str, tuple[Any, Record]] = field(default_factory=dict)

    def met(self, job: str, node: str, fields: Mapping[str, Any]) -> None:
        """A node's document was written."""
        if fields.get("then") and (job, node) not in self.thens:
            self.thens[job, node] = message_of(fields["then"])

    def gathering_before(self, event_id: str) -> tuple[str, str] | None:
        """Job and node of the gathering that the event follows, if it does."""
        return next((name for name, then in self.thens.items() if then.attributes["ce-id"] == event_id), None)

    def units(self, message: Outgoing) -> Iterator[Unit]:
        """The units that an event is, and all that came of them."""
        yield from self._units(message, set(), False)

    def units_of_node(self, job: str, node: str) -> Iterator[Unit]:
        """The units that a record's node waits for, or a gathering's, and all that came of them."""
        gathering = (job, node) in self.thens
        key = node.rpartition(".")[0] if gathering else node
        record = self._record(key)
        assert record is not None
        seen: set[str] = set()
        for child in record.outbox:
            if not gathering or child.attributes.get("tidegate-node") == node:
                yield from self._units(child, seen, False)
        if not gathering:
            for then in self._thens_of(key):
                yield from self._units(then, seen, False)

    def _units(self, message: Outgoing, seen: set[str], inherited: bool) -> Iterator[Unit]:
        for function in self.topology.subscribers(message.topic):
            field_name = self.topology.functions[function].idempotency
            key = record_key(function, idempotency_key(field_name, message.attributes["ce-id"], message.data))
            record = self._record(key)
            name = (function, message.attributes["ce-id"])
            redriven = inherited or name in self.redriven
            yield Unit(function, message, record, name in self.given_up, redriven)
            if record is None or record.status is not Status.DONE or key in seen:
                continue
            seen.add(key)
            for child in (*record.outbox, *self._thens_of(key)):
                yield from self._units(child, seen, redriven)

    def _thens_of(self, key: str) -> list[Outgoing]:
        return [then for (_, node), then in self.thens.items() if node.rpartition(".")[0] == key]

    def _record(self, key: str) -> Record | None:
        document: Document | None = self.documents.get(f"{LEDGER}/{key}")
        if document is None:
            return None
        version, record = self._read.get(key, (None, None))
        if record is None or version != document.update_time:
            record = record_of(document.fields)
            self._read[key] = (document.update_time, record)
        return record
