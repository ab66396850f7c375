"""What a run is about: the manifests that are published, and what must have come of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from contracts.flights import ManifestReceived
from contracts.notes import NoteEdited
from tests.simulation.world import EPOCH
from tidegate.events import Event
from tidegate.messages import Outgoing

_HEADER = (
    "year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,"
    "carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour"
)
_ROWS = {
    "flown": "2013,2,8,{t},{t},3,700,650,10,UA,{n},N1,EWR,IAH,220,1400,6,0,2013-02-08T11:00:00Z",
    "cancelled": "2013,2,8,NA,{t},NA,NA,650,NA,UA,{n},NA,EWR,IAH,NA,1400,6,0,2013-02-08T11:00:00Z",
    "malformed": "2013,2,8,{t},{t},soon,700,650,10,UA,{n},N1,EWR,IAH,220,1400,6,0,2013-02-08T11:00:00Z",
}


_ROWS |= {"doomed": _ROWS["cancelled"], "lethal": _ROWS["cancelled"]}
_NUMBERS = {"doomed": 7000, "lethal": 8000}
KINDS = ("flown", "cancelled", "malformed", "doomed", "lethal")


@dataclass(frozen=True)
class Scenario:
    """What is published from outside.

    Attributes:
        manifests: the kinds of each manifest's rows. A doomed flight cannot be booked until the
            partner is mended, a lethal one kills the process that tries.
        published_twice: every manifest is.
        edits: so many edits of one note, each on the version that the one before makes.
        expires_seconds: the manifests expire so long after the start; None for never.
    """

    manifests: tuple[tuple[str, ...], ...]
    edits: int = 0
    published_twice: bool = False
    expires_seconds: float | None = None

    @classmethod
    def drawn(cls, random: Random) -> "Scenario":
        """Up to two manifests of up to three rows, and sometimes a few edits."""
        manifests = tuple(
            tuple(random.choices(KINDS, weights=[6, 6, 2, 1, 1], k=random.choice([1, 1, 1, 2, 3])))
            for _ in range(random.choice([1, 1, 1, 1, 2]))
        )
        expires = random.choice([5.0, 60.0, 300.0]) if random.random() < 0.2 else None
        edits = random.randint(2, 4) if random.random() < 0.2 else 0
        return cls(manifests, edits, random.random() < 0.3, expires)

    def messages(self) -> list[Outgoing]:
        """What is published from outside."""
        messages = [self._manifest(number, kinds) for number, kinds in enumerate(self.manifests)]
        messages += [_edit(number) for number in range(self.edits)]
        return messages * 2 if self.published_twice else messages

    def count(self, *kinds: str) -> int:
        """How many rows of these kinds there are."""
        return sum(row in kinds for rows in self.manifests for row in rows)

    def _manifest(self, number: int, kinds: Sequence[str]) -> Outgoing:
        rows = [
            _ROWS[kind].format(n=_NUMBERS.get(kind, 100) + 10 * number + place, t=600)
            for place, kind in enumerate(kinds)
        ]
        manifest = ManifestReceived(
            manifest_id=f"m{number}", origin="EWR", date=date(2013, 2, 8), csv="\n".join([_HEADER, *rows, ""])
        )
        event = Event(
            id=f"manifest-{number}",
            type="manifest.received",
            source="/simulation",
            data=manifest.to_json(),
            time=EPOCH,
            version=1,
            expires=EPOCH + timedelta(seconds=self.expires_seconds) if self.expires_seconds else None,
        )
        return Outgoing(event.type, event.data, event.attributes())


NOTED = "UA100-EWR-20130208"
"""The flight whose note is edited."""


def edit_id(number: int) -> str:
    """The id of the event that carries an edit."""
    return f"edit-{number}"


def edit_text(number: int) -> str:
    """What an edit writes."""
    return f"text {number}"


def _edit(number: int) -> Outgoing:
    edit = NoteEdited(flight_id=NOTED, base_version=number, text=edit_text(number), editor="desk")
    event = Event(
        id=edit_id(number),
        type="note.edited",
        source="/simulation",
        data=edit.to_json(),
        time=EPOCH,
        version=1,
        key=NOTED,
    )
    return Outgoing(event.type, event.data, event.attributes(), event.key)
