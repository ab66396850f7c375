"""Hand in a day: every manifest on its own, and the day's end when all they caused has settled."""

from contracts.flights import DayClosed, DayReceived, ManifestReceived
from tidegate import Context, Gather, function, gather


@function(pure=True)
def open_day(day: DayReceived, ctx: Context) -> Gather[ManifestReceived, DayClosed]:
    """Gather the manifests; what becomes of each flight is for others to see to."""
    return gather(day.manifests, then=DayClosed(date=day.date))
