"""What a run left behind: read from the database and from the partner's own log."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tidegate.records import Status
from tidegate_ops.demo.partner import Booking
from tidegate_ops.demo.truth import Observed, RejectedRow
from tidegate_ops.demo.world import World


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter on file."""

    id: str
    fault: str
    attempts: int
    row: RejectedRow


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that the truth is held against, and the dead letters in full."""

    observed: Observed
    letters: tuple[Letter, ...]


def observe(world: World, bookings: Sequence[Booking]) -> Observation:
    """Read it all; the run should be over."""
    references = {(booking.flight_id, booking.reference) for booking in bookings}
    filed = {
        flight: (flight, fields.get("booking_reference")) in references
        for flight, fields in world.documents("rebookings").items()
    }
    letters = tuple(
        sorted(_letters(world), key=lambda letter: (letter.row.function, letter.row.record.get("flight", "")))
    )
    completed = Counter(
        fields["function"]
        for fields in world.documents("ledger").values()
        if fields["status"] == Status.DONE and fields["function"]
    )
    return Observation(
        Observed(
            counters=world.documents("airport_hours"),
            rebookings=Counter(booking.flight_id for booking in bookings),
            filed=filed,
            dead_letters=tuple(letter.row for letter in letters),
            handled=dict(completed),
        ),
        letters,
    )


def _letters(world: World) -> Iterator[Letter]:
    for letter_id, fields in world.documents("dead_letters").items():
        pieces = world.documents(f"dead_letters/{letter_id}/payload")
        data = b"".join(piece["data"] for _, piece in sorted(pieces.items()))
        row = RejectedRow(fields["function"], fields["reason"], _record(data))
        yield Letter(letter_id, fields["fault"], fields["attempts"], row)


def _record(data: bytes) -> dict[str, str]:
    """The reported row inside a payload; empty where it holds none."""
    try:
        payload = json.loads(data)
    except ValueError:
        return {}
    record = payload.get("record") if isinstance(payload, dict) else None
    return record if isinstance(record, dict) else {}
