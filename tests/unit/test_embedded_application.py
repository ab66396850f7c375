"""The whole application in one event loop: what the desk's own functions make of what is published."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contracts.notes import NoteEdited
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.events import Event
from tidegate.messages import Outgoing
from tidegate.reports import Report
from tidegate.testing.virtual_loop import run
from tidegate_ops.embedded_application import EmbeddedApplication, subscription
from tidegate_ops.project import Project

PROJECT = Project.find(Path(__file__).parent)
TOPOLOGY = PROJECT.topology()
HANDLERS = {name: PROJECT.load_handler(name) for name in TOPOLOGY.functions}
NOON = datetime(2013, 2, 8, 12, tzinfo=UTC)
FLIGHT = "EV3267-EWR-20130208"


def edited(name: str, base: int, text: str, *, redrive: int = 0) -> Outgoing:
    data = NoteEdited(flight_id=FLIGHT, base_version=base, text=text, editor="zoë").to_json()
    return published(name, data, redrive=redrive)


def poison(name: str, *, redrive: int = 0) -> Outgoing:
    return published(name, b'{"flight_id": "nowhere"}', redrive=redrive)


def published(name: str, data: bytes, *, redrive: int = 0) -> Outgoing:
    target = "edit_note" if redrive else ""
    event = Event(name, "note.edited", "/desk", data, NOON, version=1, key=FLIGHT, target=target, redrive=redrive)
    return Outgoing("note.edited", event.data, event.attributes(), event.key)


def handled(*waves: list[Outgoing]) -> tuple[MemoryDocuments, list[Report]]:
    """What is stored, and how each delivery ended, when all waves have been worked off one after another."""
    reports: list[Report] = []

    async def story() -> MemoryDocuments:
        loop = asyncio.get_running_loop()
        application = EmbeddedApplication(
            TOPOLOGY,
            HANDLERS,
            environment={},
            on_report=reports.append,
            on_message=lambda topic, message: None,
            clock=lambda: NOON + timedelta(seconds=loop.time()),
        )
        for wave in waves:
            await application.broker.publish(wave)
            await application.broker.drained()
        return application.documents

    return run(story()), reports


def letters(documents: MemoryDocuments) -> list[Mapping[str, Any]]:
    return [each.fields for each in documents.list("dead_letters")]


def versions(documents: MemoryDocuments) -> list[str]:
    return [each.fields["text"] for each in documents.list(f"notes/{FLIGHT}/versions")]


def test_a_poison_message_does_not_stall_its_key() -> None:
    """It is filed as a dead letter at once, and the edits around it stand in order."""
    documents, reports = handled(
        [edited("a", 0, "one"), edited("b", 1, "two"), poison("c"), edited("d", 2, "three"), edited("e", 3, "four")]
    )
    assert versions(documents) == ["one", "two", "three", "four"]
    [letter] = letters(documents)
    assert (letter["function"], letter["event_id"], letter["fault"]) == ("edit_note", "c", "invalid")
    of_the_note = [(each.event_id, str(each.verdict)) for each in reports if each.function == "edit_note"]
    assert of_the_note == [("a", "done"), ("b", "done"), ("c", "dead"), ("d", "done"), ("e", "done")]


def test_a_redriven_edit_comes_last() -> None:
    """Its place is taken: what was meant for an older version is a conflict, kept beside the note."""
    documents, _ = handled(
        [edited("a", 0, "one"), poison("b"), edited("c", 1, "two")], [edited("b", 1, "mended", redrive=1)]
    )
    assert versions(documents) == ["one", "two"]
    [conflict] = documents.list(f"notes/{FLIGHT}/conflicts")
    assert (conflict.fields["text"], conflict.fields["current"]["text"]) == ("mended", "two")


def test_a_redriven_event_that_dies_again_is_filed_again() -> None:
    """Its letter still bears the redrive's target, and reaches the function of dead letters all the same."""
    documents, _ = handled([poison("a")], [poison("a", redrive=1)])
    [letter] = letters(documents)
    assert letter["redrive"] == 1


def test_each_subscription_is_what_the_topology_asks_for() -> None:
    """Limits and order are the topology's, and every function has Pub/Sub's backstop but that of dead letters."""

    async def push(headers: Mapping[str, str], body: bytes) -> int:
        return 200

    notes, dead = (subscription(TOPOLOGY, name, push) for name in ("edit_note", "dead_letters"))
    assert (notes.name, notes.topic, notes.target, notes.ordered) == ("edit-note", "note.edited", "edit_note", True)
    assert (notes.ack_deadline_seconds, notes.min_backoff_seconds, notes.max_backoff_seconds) == (35, 1, 10)
    assert (notes.max_deliveries, notes.dead_letter_topic) == (100, "dead.letters")
    assert (dead.max_deliveries, dead.target, dead.ordered) == (None, "", False)
