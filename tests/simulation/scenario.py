"""What a run is about: the manifests that are published, and what must have come of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from contracts.flights import ManifestReceived
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
        expires_seconds: the manifests expire so long after the start; None for never.
    """

    manifests: tuple[tuple[str, ...], ...]
    published_twice: bool = False
    expires_seconds: float | None = None

    @classmethod
    def drawn(cls, random: Random) -> "Scenario":
        """Up to two manifests of up to three rows."""
        manifests = tuple(
            tuple(random.choices(KINDS, weights=[6, 6, 2, 1, 1], k=random.randint(1, 3)))
            for _ in range(random.randint(1, 2))
        )
        expires = random.choice([5.0, 60.0, 300.0]) if random.random() < 0.2 else None
        return cls(manifests, random.random() < 0.3, expires)

    def messages(self) -> list[Outgoing]:
        """What is published from outside."""
        messages = [self._message(number, kinds) for number, kinds in enumerate(self.manifests)]
        return messages * 2 if self.published_twice else messages

    def count(self, *kinds: str) -> int:
        """How many rows of these kinds there are."""
        return sum(row in kinds for rows in self.manifests for row in rows)

    def _message(self, number: int, kinds: Sequence[str]) -> Outgoing:
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
