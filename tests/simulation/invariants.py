"""What must hold when everything has come to rest."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.simulation.partner import Partner
from tests.simulation.scenario import NOTED, Scenario, edit_id, edit_text
from tests.simulation.world import World
from tidegate.adapters.memory_ledger import MemoryLedger
from tidegate.messages import Message
from tidegate.records import Fault, Record, Status, idempotency_key, record_key


@dataclass(frozen=True)
class Expected:
    """How many of the scenario's rows come to what, before and after the partner is mended."""

    assessed: int
    cancelled: int
    rebooked: int
    rejected: int
    exhausted: int
    crashed: int

    @classmethod
    def of(cls, scenario: Scenario, mended: bool) -> "Expected":
        """What the scenario must have come to."""
        cancelled = scenario.count("cancelled", "doomed", "lethal")
        doomed, lethal = scenario.count("doomed"), scenario.count("lethal")
        return cls(
            assessed=scenario.count("flown") + cancelled,
            cancelled=cancelled,
            rebooked=cancelled if mended else cancelled - doomed - lethal,
            rejected=scenario.count("malformed"),
            exhausted=0 if mended else doomed,
            crashed=0 if mended else lethal,
        )


async def violations(world: World, partner: Partner, scenario: Scenario) -> list[str]:
    """Every way in which the run broke the guarantees; empty if it did not."""
    return [
        *world.watch.violations,
        *await losses(world),
        *_effects(world, partner, Expected.of(scenario, partner.mended)),
        *_unjust(world),
        *_disorder(world, scenario),
        *(f"untracked events wrote {path}" for path in world.documents.paths() if path.startswith("jobs/")),
    ]


async def losses(world: World) -> list[str]:
    """Every event that the broker accepted and of which neither an end nor a dead letter is known."""
    lost: list[str] = []
    for name, function in world.topology.functions.items():
        if function.topic != world.topology.dead_letter_topic:
            messages = {_id(message): message for message in world.published.get(function.topic, ())}
            for event_id, message in sorted(messages.items()):
                key = record_key(name, idempotency_key(function.idempotency, event_id, message.data))
                lost += await _lost(world, name, event_id, key)
    return lost


async def _lost(world: World, name: str, event_id: str, key: str) -> list[str]:
    """An event that the broker accepted has ended, and its children exist."""
    stored = await MemoryLedger(world.documents).read(key)
    record = stored.record if stored else None
    if record is None or record.status in (Status.CLAIMED, Status.RELEASED):
        filed = (name, event_id) in _letters(world)
        return [] if filed else [f"{name} lost {event_id}: its record is {record.status if record else 'missing'}"]
    if record.status is Status.FAILED:
        shed = record.error is not None and record.error.fault.shed
        filed = shed or (name, event_id) in _letters(world)
        return [] if filed else [f"{name} gave up {event_id} and no dead letter was filed"]
    return [
        f"{name} is done with {event_id}, but its {child.topic} was never published"
        for child in record.outbox
        if child.attributes["ce-id"] not in _ids(world, child.topic)
    ]


def _effects(world: World, partner: Partner, expected: Expected) -> Iterator[str]:
    """No effect twice, none missing: events, counters, bookings, dead letters."""
    bookings = Counter(partner.bookings.values())
    yield from (f"the partner booked {flight} {count} times" for flight, count in bookings.items() if count > 1)
    deaths = Counter(
        (letter.fields["function"], letter.fields["fault"])
        for letter in world.documents.list("dead_letters")
        if letter.fields["state"] == "open"
    )
    foreseen = {
        ("assess_flight", "rejected"): expected.rejected,
        ("rebook_passengers", "error"): expected.exhausted,
        ("rebook_passengers", "crashed"): expected.crashed,
    }
    if _shed(world) or any(count > foreseen.get(death, 0) for death, count in deaths.items()):
        return  # so many faults that good events died as well: `_unjust` says whether they were allowed to
    counted = sum(document.fields["flights"] for document in world.documents.list("airport_hours"))
    found = {
        "events on flight.reported": (len(_ids(world, "flight.reported")), expected.assessed + expected.rejected),
        "events on flight.assessed": (len(_ids(world, "flight.assessed")), expected.assessed),
        "events on flight.cancelled": (len(_ids(world, "flight.cancelled")), expected.cancelled),
        "events on passengers.rebooked": (len(_ids(world, "passengers.rebooked")), expected.rebooked),
        "flights counted": (counted, expected.assessed),
        "bookings": (len(bookings), expected.rebooked),
        "rebookings kept": (len(world.documents.list("rebookings")), expected.rebooked),
        **{f"deaths by {' '.join(death)}": (deaths[death], count) for death, count in foreseen.items()},
    }
    yield from (f"{have} {what}, expected {want}" for what, (have, want) in found.items() if have != want)


def _unjust(world: World) -> Iterator[str]:
    """Nothing is given up before its attempts are spent, and none is counted that was not started."""
    for letter in world.documents.list("dead_letters"):
        name, fault, attempts = (letter.fields[field] for field in ("function", "fault", "attempts"))
        granted = world.topology.functions[name].attempts
        if fault == Fault.UNDELIVERABLE:
            yield f"{name} left {letter.fields['event_id']} to the broker's backstop"
        elif fault != Fault.REJECTED and granted is not None and attempts != granted:
            yield f"{name} gave up after {attempts} attempts of {granted}: {letter.fields['reason']}"
    for key, history in world.watch.history.items():
        last = history[-1]
        starts = sum(
            record.status is Status.CLAIMED and (place == 0 or history[place - 1].owner != record.owner)
            for place, record in enumerate(history)
            if record.redrive == last.redrive
        )
        if last.status is not Status.FAILED and last.attempt > starts and not _pure(last):
            yield f"record {key}: {last.attempt} attempts were counted, {starts} were started"


def _disorder(world: World, scenario: Scenario) -> Iterator[str]:
    """The note is what its edits come to in the order of publishing, less those that died."""
    if not scenario.edits:
        return
    version, conflicts, text = 0, 0, ""
    for number in range(scenario.edits):
        history = world.watch.history.get(record_key("edit_note", edit_id(number)), [])
        if not history or history[-1].status is not Status.DONE:
            continue
        if number == version:
            version, text = version + 1, edit_text(number)
        else:
            conflicts += 1
    document = world.documents.get(f"notes/{NOTED}")
    found = document.fields if document else {"version": 0, "conflicts": 0, "text": ""}
    have = (found["version"], found["conflicts"], found["text"])
    if have != (version, conflicts, text):
        yield f"the note has version, conflicts and text {have}, in order its edits make {(version, conflicts, text)}"


def _pure(record: Record) -> bool:
    return record.function == "assess_flight"


def _shed(world: World) -> bool:
    return any(
        history[-1].error is not None and history[-1].error.fault is Fault.EXPIRED
        for history in world.watch.history.values()
    )


def _letters(world: World) -> set[tuple[str, str]]:
    return {(each.fields["function"], each.fields["event_id"]) for each in world.documents.list("dead_letters")}


def _ids(world: World, topic: str) -> set[str]:
    return {_id(message) for message in world.published.get(topic, ())}


def _id(message: Message) -> str:
    return message.attributes.get("ce-id", message.id)
