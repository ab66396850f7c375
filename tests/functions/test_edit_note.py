"""Shared notes: edits stand in order, conflicts are kept, races are told apart."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import pytest

from contracts.notes import NoteEdited
from tidegate import Context
from tidegate.adapters.memory_broker import MemoryBroker, PushSubscription
from tidegate.events import Event
from tidegate.messages import Outgoing
from tidegate.service import Service
from tidegate.testing import NOON, World
from tidegate_ops.embedded_application import pusher

FLIGHT = "EV3267-EWR-20130208"
NOTE = f"notes/{FLIGHT}"


def edit(base: int, text: str, flight_id: str = FLIGHT, editor: str = "zoë") -> NoteEdited:
    return NoteEdited(flight_id=flight_id, base_version=base, text=text, editor=editor)


def message(name: str, edited: NoteEdited) -> Outgoing:
    event = Event(name, "note.edited", "/desk", edited.to_json(), NOON, version=1, key=edited.flight_id)
    return Outgoing("note.edited", event.data, event.attributes(), event.key)


async def apply(world: World, *edits: NoteEdited) -> None:
    """One edit after another."""
    for each in edits:
        await world.deliver("edit_note", each, key=each.flight_id)


async def test_the_first_edit_makes_the_note(world: World) -> None:
    """Its editor saw no note: version 0."""
    await apply(world, edit(0, "Gate 7"))
    assert world.documents == {
        NOTE: {"version": 1, "text": "Gate 7", "editor": "zoë", "conflicts": 0},
        f"{NOTE}/versions/000001": {"text": "Gate 7", "editor": "zoë", "edited_at": NOON},
    }


async def test_edits_of_what_their_editors_saw_stand(world: World) -> None:
    """Each makes a version of its own, and the history keeps them all."""
    await apply(world, edit(0, "Gate 7"), edit(1, "Gate 8"), edit(2, "", editor="ann"))
    assert world.documents[NOTE] == {"version": 3, "text": "", "editor": "ann", "conflicts": 0}
    assert texts(world) == {FLIGHT: (["Gate 7", "Gate 8", ""], [])}


@pytest.mark.parametrize("base", [0, 2], ids=["older", "not yet there"])
async def test_an_edit_of_another_version_is_a_conflict(world: World, base: int) -> None:
    """The note keeps its text; the edit is filed with its own text and the one it would have overwritten."""
    await apply(world, edit(0, "Gate 7"), edit(base, "Gate 9", editor="ann"))
    assert world.documents[NOTE] == {"version": 1, "text": "Gate 7", "editor": "zoë", "conflicts": 1}
    assert conflicts(world) == [
        {
            "base_version": base,
            "text": "Gate 9",
            "editor": "ann",
            "edited_at": NOON,
            "current": {"version": 1, "text": "Gate 7", "editor": "zoë"},
        }
    ]


async def test_a_conflict_before_any_note_is_kept_too(world: World) -> None:
    """A note that nobody has written is at version 0 and empty; the next edit starts from there."""
    await apply(world, edit(3, "Gate 9"), edit(0, "Gate 7"))
    assert [each["current"] for each in conflicts(world)] == [{"version": 0, "text": "", "editor": ""}]
    assert world.documents[NOTE] == {"version": 1, "text": "Gate 7", "editor": "zoë", "conflicts": 1}


@pytest.mark.parametrize(
    ("standing", "bases", "version"),
    [(0, (0, 0), 1), (1, (1, 1), 2), (1, (1, 0), 2), (1, (0, 0), 1)],
    ids=["two first edits", "two edits", "an edit and a conflict", "two conflicts"],
)
async def test_two_writers_cannot_overwrite_each_other(
    world: World, standing: int, bases: tuple[int, int], version: int
) -> None:
    """Both read the same note: the one that loses the race is run again at once, on what the other wrote."""
    await apply(world, *[edit(0, "first")] * standing)
    world.reports.clear()
    both_have_read = asyncio.Barrier(2)
    runs = count(1)
    original = world.handler("edit_note").call

    async def racing(edited: NoteEdited, ctx: Context) -> None:
        await original(edited, ctx)
        if next(runs) <= 2:
            await both_have_read.wait()

    # Without their ordering key, which would keep them apart.
    broker = broker_to(pusher(service(world, racing)), ordered=False)
    await broker.publish([message(f"edit {base} {n}", edit(base, f"text {n}")) for n, base in enumerate(bases)])
    await broker.drained()
    assert [(str(each.verdict), each.attempt) for each in world.reports] == [("done", 1)] * 2
    assert next(runs) == 4
    [(stood, conflicting)] = texts(world).values()
    assert len(stood) == version
    assert sorted([*stood, *conflicting]) == ["first"] * standing + ["text 0", "text 1"]


@pytest.mark.parametrize("seed", range(25))
async def test_any_run_equals_the_replay_in_order(world: World, seed: int) -> None:
    """Lost requests, lost answers, late copies and slow handlers change nothing of what the edits come to."""
    random = Random(seed)
    edits = some_edits(random)
    original = world.handler("edit_note").call

    async def slow(edited: NoteEdited, ctx: Context) -> None:
        await original(edited, ctx)
        await asyncio.sleep(random.uniform(0, 3))

    push = pusher(service(world, slow))

    async def unreliable(headers: Mapping[str, str], body: bytes) -> int:
        await asyncio.sleep(random.choice([0, 0, 0, 15]))  # past the ack deadline: a second copy overtakes it
        if random.random() < 0.2:
            return 503
        status = await push(headers, body)
        return 503 if random.random() < 0.2 else status

    broker = broker_to(unreliable, ordered=True)
    await broker.publish([message(f"edit/{number}", each) for number, each in enumerate(edits)])
    await broker.drained()
    assert {str(each.verdict) for each in world.reports} >= {"done", "duplicate"}
    assert texts(world) == replayed(edits)


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


def texts(world: World) -> dict[str, tuple[list[str], list[str]]]:
    """What is stored, in the form of `replayed`; a note agrees with its own sub-collections."""
    notes = {}
    for note in world.store.list("notes"):
        versions, conflicts = (world.store.list(f"{note.path}/{each}") for each in ("versions", "conflicts"))
        assert note.fields["version"] == len(versions)
        assert note.fields["conflicts"] == len(conflicts)
        stood = [each.fields["text"] for each in versions]
        assert [note.fields["text"]] == (stood[-1:] or [""])
        notes[note.path.partition("/")[2]] = (stood, sorted(each.fields["text"] for each in conflicts))
    return notes


def conflicts(world: World) -> list[dict[str, Any]]:
    return [fields for path, fields in world.documents.items() if path.startswith(f"{NOTE}/conflicts/")]


def service(world: World, call: Callable[..., Any]) -> Service:
    """The function with ``call`` in its handler's place, for requests as Pub/Sub makes them."""
    config = world.config("edit_note")
    return Service(replace(world.handler("edit_note"), call=call), config, world.ports, {})


def broker_to(push: Any, *, ordered: bool) -> MemoryBroker:
    broker = MemoryBroker(["note.edited"])
    broker.subscribe(PushSubscription("edit-note", "note.edited", push, ordered=ordered, ack_deadline_seconds=10))
    return broker
