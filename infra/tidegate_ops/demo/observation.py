"""What a run left behind: read from the database, from the partner's own log, and from what its submitter was told."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tidegate.records import Status
from tidegate_ops.demo.comparison import Observed, ObservedJob, RejectedRow
from tidegate_ops.demo.partner import Booking
from tidegate_ops.demo.submitter import DayJob
from tidegate_ops.demo.world import World

_CLOCKED = "governor"
"""Is woken by the clock, so how often says nothing about a day."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter on file."""

    id: str
    event_id: str
    fault: str
    attempts: int
    row: RejectedRow


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything that the truth is held against, and the dead letters in full."""

    observed: Observed
    letters: tuple[Letter, ...]


def observe(world: World, bookings: Sequence[Booking], jobs: Iterable[DayJob]) -> Observation:
    """Read it all; the run should be over."""
    references = {(booking.flight_id, booking.reference) for booking in bookings}
    filed = {
        flight: (flight, fields.get("booking_reference")) in references
        for flight, fields in world.documents("rebookings").items()
    }
    letters = tuple(
        sorted(_letters(world), key=lambda letter: (letter.row.function, letter.row.record.get("flight", "")))
    )
    records = {(letter.row.function, letter.event_id): letter.row.record for letter in letters}
    completed = Counter(
        fields["function"]
        for fields in world.documents("ledger").values()
        if fields["status"] == Status.DONE and fields["function"] not in ("", _CLOCKED)
    )
    return Observation(
        Observed(
            hours=world.documents("airport_hours"),
            departures={flight: fields["status"] for flight, fields in world.documents("departures").items()},
            rebookings=Counter(booking.flight_id for booking in bookings),
            filed=filed,
            dead_letters=tuple(letter.row for letter in letters),
            handled=dict(completed),
            jobs={job.day: _observed(job, records) for job in jobs},
        ),
        letters,
    )


def _observed(job: DayJob, records: Mapping[tuple[str, str], Mapping[str, str]]) -> ObservedJob:
    """A job names its failures by their events; ``records`` are the rows in these, as the dead letters have them."""
    status = job.status
    return ObservedJob(
        id=status.id,
        repeated=job.repeated,
        state=str(status.state),
        result=status.result,
        known=status.progress.known,
        settled=status.progress.settled,
        failures=tuple(
            RejectedRow(each.function, each.reason, records.get((each.function, each.event_id), {}))
            for each in status.failures
        ),
    )


def _letters(world: World) -> Iterator[Letter]:
    for letter_id, fields in world.documents("dead_letters").items():
        pieces = world.documents(f"dead_letters/{letter_id}/payload")
        data = b"".join(piece["data"] for _, piece in sorted(pieces.items()))
        row = RejectedRow(fields["function"], fields["reason"], _record(data))
        yield Letter(letter_id, fields["event_id"], fields["fault"], fields["attempts"], row)


def _record(data: bytes) -> dict[str, str]:
    """The reported row inside a payload; empty where it holds none."""
    try:
        payload = json.loads(data)
    except ValueError:
        return {}
    record = payload.get("record") if isinstance(payload, dict) else None
    return record if isinstance(record, dict) else {}
