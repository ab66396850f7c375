"""Shared notes: edits stand in order, conflicts are kept, races are told apart."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient

from contracts.notes import NoteEdited
from tidegate import Context
from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.memory_broker import MemoryBroker, PushSubscription
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.memory_ledger import MemoryLedger
from tidegate.adapters.memory_timers import MemoryTimers
from tidegate.events import Event
from tidegate.handlers import Handler
from tidegate.messages import Outgoing
from tidegate.ports import Ports
from tidegate.reports import Report
from tidegate.service import Service
from tidegate.testing.virtual_loop import run
from tidegate_ops.embedded_application import pusher
from tidegate_ops.project import Project

pytestmark = pytest.mark.anyio

PROJECT = Project.find(Path(__file__).parent)
CONFIG = PROJECT.topology().config("edit_note")
HANDLER = PROJECT.load_handler("edit_note")
FLIGHT = "EV3267-EWR-20130208"
NOTE = f"notes/{FLIGHT}"
NOON = datetime(2013, 2, 8, 12, tzinfo=UTC)


def edit(base: int, text: str, flight_id: str = FLIGHT, editor: str = "zoë") -> NoteEdited:
    return NoteEdited(flight_id=flight_id, base_version=base, text=text, editor=editor)


def message(name: str, edited: NoteEdited) -> Outgoing:
    event = Event(name, "note.edited", "/desk", edited.to_json(), NOON, version=1, key=edited.flight_id)
    return Outgoing("note.edited", event.data, event.attributes(), event.key)


async def apply(client: AsyncClient, *edits: NoteEdited) -> None:
    """Run the handler for one edit after another, committing what each left in its batch."""
    for number, each in enumerate(edits):
        context = SimpleNamespace(
            firestore=client,
            batch=client.batch(),
            event=SimpleNamespace(time=NOON),
            idempotency_key=lambda name, number=number: f"{name}-{number}",
        )
        await HANDLER.call(each, context)
        await context.batch.commit()


def stored(documents: MemoryDocuments) -> dict[str, Mapping[str, Any]]:
    """Every document that belongs to a note."""
    found = {path: documents.get(path) for path in sorted(documents.paths()) if path.startswith("notes/")}
    return {path: document.fields for path, document in found.items() if document}


async def test_the_first_edit_makes_the_note() -> None:
    """Its editor saw no note: version 0."""
    documents = MemoryDocuments()
    await apply(memory_firestore(documents), edit(0, "Gate 7"))
    assert stored(documents) == {
        NOTE: {"version": 1, "text": "Gate 7", "editor": "zoë", "conflicts": 0},
        f"{NOTE}/versions/000001": {"text": "Gate 7", "editor": "zoë", "edited_at": NOON},
    }


async def test_edits_of_what_their_editors_saw_stand() -> None:
    """Each makes a version of its own, and the history keeps them all."""
    documents = MemoryDocuments()
    await apply(memory_firestore(documents), edit(0, "Gate 7"), edit(1, "Gate 8"), edit(2, "", editor="ann"))
    notes = stored(documents)
    assert notes.pop(NOTE) == {"version": 3, "text": "", "editor": "ann", "conflicts": 0}
    assert [fields["text"] for fields in notes.values()] == ["Gate 7", "Gate 8", ""]


@pytest.mark.parametrize("base", [0, 2], ids=["older", "not yet there"])
async def test_an_edit_of_another_version_is_a_conflict(base: int) -> None:
    """The note keeps its text; the edit is filed with its own text and the one it would have overwritten."""
    documents = MemoryDocuments()
    await apply(memory_firestore(documents), edit(0, "Gate 7"), edit(base, "Gate 9", editor="ann"))
    notes = stored(documents)
    assert notes[NOTE] == {"version": 1, "text": "Gate 7", "editor": "zoë", "conflicts": 1}
    assert notes[f"{NOTE}/conflicts/conflict-1"] == {
        "base_version": base,
        "text": "Gate 9",
        "editor": "ann",
        "edited_at": NOON,
        "current": {"version": 1, "text": "Gate 7", "editor": "zoë"},
    }


async def test_a_conflict_before_any_note_is_kept_too() -> None:
    """A note that nobody has written is at version 0 and empty; the next edit starts from there."""
    documents = MemoryDocuments()
    await apply(memory_firestore(documents), edit(3, "Gate 9"), edit(0, "Gate 7"))
    notes = stored(documents)
    assert notes[f"{NOTE}/conflicts/conflict-0"]["current"] == {"version": 0, "text": "", "editor": ""}
    assert notes[NOTE] == {"version": 1, "text": "Gate 7", "editor": "zoë", "conflicts": 1}


@pytest.mark.parametrize(
    ("standing", "bases", "version"),
    [(0, (0, 0), 1), (1, (1, 1), 2), (1, (1, 0), 2), (1, (0, 0), 1)],
    ids=["two first edits", "two edits", "an edit and a conflict", "two conflicts"],
)
def test_two_writers_cannot_overwrite_each_other(standing: int, bases: tuple[int, int], version: int) -> None:
    """Both read the same note: the one that loses the race is run again at once, on what the other wrote."""
    documents = MemoryDocuments()
    runs = count(1)

    async def story() -> list[Report]:
        await apply(memory_firestore(documents), *[edit(0, "first")] * standing)
        both_have_read = asyncio.Barrier(2)

        async def racing(edited: NoteEdited, ctx: Context) -> None:
            await HANDLER.call(edited, ctx)
            if next(runs) <= 2:
                await both_have_read.wait()

        reports: list[Report] = []
        service = service_on(documents, replace(HANDLER, call=racing), reports)
        # Without their ordering key, which would keep them apart.
        broker = broker_to(pusher(service), ordered=False)
        await broker.publish([message(f"edit {base} {n}", edit(base, f"text {n}")) for n, base in enumerate(bases)])
        await broker.drained()
        return reports

    reports = run(story())
    assert [(str(each.verdict), each.attempt) for each in reports] == [("done", 1)] * 2
    assert next(runs) == 4
    [(stood, conflicts)] = texts(documents).values()
    assert len(stood) == version
    assert sorted([*stood, *conflicts]) == ["first"] * standing + ["text 0", "text 1"]


@pytest.mark.parametrize("seed", range(25))
def test_any_run_equals_the_replay_in_order(seed: int) -> None:
    """Lost requests, lost answers, late copies and slow handlers change nothing of what the edits come to."""
    random = Random(seed)
    edits = some_edits(random)
    documents = MemoryDocuments()

    async def slow(edited: NoteEdited, ctx: Context) -> None:
        await HANDLER.call(edited, ctx)
        await asyncio.sleep(random.uniform(0, 3))

    async def story() -> list[Report]:
        reports: list[Report] = []
        push = pusher(service_on(documents, replace(HANDLER, call=slow), reports))

        async def unreliable(headers: Mapping[str, str], body: bytes) -> int:
            await asyncio.sleep(random.choice([0, 0, 0, 15]))  # past the ack deadline: a second copy overtakes it
            if random.random() < 0.2:
                return 503
            status = await push(headers, body)
            return 503 if random.random() < 0.2 else status

        broker = broker_to(unreliable, ordered=True)
        await broker.publish([message(f"edit/{number}", each) for number, each in enumerate(edits)])
        await broker.drained()
        return reports

    reports = run(story())
    assert {str(each.verdict) for each in reports} >= {"done", "duplicate"}
    assert texts(documents) == replayed(edits)


def some_edits(random: Random) -> list[NoteEdited]:
    """Edits of several notes, interleaved; two in three saw the version that is current when they arrive."""
    versions = dict.fromkeys((f"UA{number}-JFK-20130208" for number in range(1, 5)), 0)
    edits = []
    for number in range(40):
        flight_id = random.choice(list(versions))
        seen = versions[flight_id] if random.random() < 2 / 3 else random.randint(0, 9)
        edits.append(edit(seen, f"text {number}", flight_id))
        versions[flight_id] += int(seen == versions[flight_id])
    return edits


def replayed(edits: list[NoteEdited]) -> dict[str, tuple[list[str], list[str]]]:
    """Flight → (texts that stood, texts in conflict, sorted), by the rule alone."""
    notes: dict[str, tuple[list[str], list[str]]] = {}
    for each in edits:
        stood, conflicts = notes.setdefault(each.flight_id, ([], []))
        (stood if each.base_version == len(stood) else conflicts).append(each.text)
    return {flight_id: (stood, sorted(conflicts)) for flight_id, (stood, conflicts) in notes.items()}


def texts(documents: MemoryDocuments) -> dict[str, tuple[list[str], list[str]]]:
    """What is stored, in the form of `replayed`; a note agrees with its own sub-collections."""
    notes = {}
    for note in documents.list("notes"):
        versions, conflicts = (documents.list(f"{note.path}/{each}") for each in ("versions", "conflicts"))
        assert note.fields["version"] == len(versions)
        assert note.fields["conflicts"] == len(conflicts)
        stood = [each.fields["text"] for each in versions]
        assert [note.fields["text"]] == (stood[-1:] or [""])
        notes[note.path.partition("/")[2]] = (stood, sorted(each.fields["text"] for each in conflicts))
    return notes


def service_on(documents: MemoryDocuments, handler: Handler, reports: list[Report]) -> Service:
    """The function on memory adapters, in the loop's own time."""
    loop = asyncio.get_running_loop()
    draws = count()
    broker = MemoryBroker([CONFIG.dead_letter_topic])
    ports = Ports(
        ledger=MemoryLedger(documents),
        publisher=broker,
        jobs=FirestoreJobs(memory_firestore(documents)),
        timers=MemoryTimers(broker),
        circuits=FirestoreCircuits(memory_firestore(documents)),
        firestore=lambda: memory_firestore(documents),
        observe=reports.append,
        draw=lambda: f"owner-{next(draws)}",
        clock=lambda: NOON + timedelta(seconds=loop.time()),
    )
    return Service(handler, CONFIG, ports, {})


def broker_to(push: Any, *, ordered: bool) -> MemoryBroker:
    broker = MemoryBroker([CONFIG.topic])
    broker.subscribe(PushSubscription("edit-note", CONFIG.topic, push, ordered=ordered, ack_deadline_seconds=10))
    return broker
