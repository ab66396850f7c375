"""Limits per key, without any effect: (limit, lane, entrant, now) → what the entrant may do.

A lane is what the events of one key share at one function: who is at work on it, when its next run
may begin, or which of its events is the latest. It is written in the commit of the claim that it
admits, guarded by the version that the decision was made upon, so that it and the claim stand or
fall together.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from tidegate.events import Event, timestamp
from tidegate.key_limits import ORDERING_KEY, Debounce, PerKey, Throttle
from tidegate.records import field_value, record_key


@dataclass(frozen=True, slots=True)
class Held:
    """The one place of a singleton's lane is taken; a lane that is free is not kept at all.

    Attributes:
        owner: whose claim took it.
        lease_until: the claim's; then it is free again in any case.
    """

    owner: str
    lease_until: datetime

    @property
    def expire_at(self) -> datetime:
        """From when on it says nothing any more."""
        return self.lease_until


@dataclass(frozen=True, slots=True)
class Paced:
    """A throttled lane; ``next_at`` is its next run's place in a row of places at even distances."""

    next_at: datetime

    @property
    def expire_at(self) -> datetime:
        """From when on it says nothing any more."""
        return self.next_at


@dataclass(frozen=True, slots=True)
class Burst:
    """A debounced lane: events that follow one another, as far as they have been delivered.

    Attributes:
        event_id, time: the latest of them.
        first: the time of the first of them.
        quiet_at: from when on the latest may run, unless another follows.
        longest_at: from when on it may run in any case.
        begun_at: since when it has; None while it waits.
    """

    event_id: str
    time: datetime
    first: datetime
    quiet_at: datetime
    longest_at: datetime
    begun_at: datetime | None
    expire_at: datetime

    @property
    def due_at(self) -> datetime:
        return min(self.quiet_at, self.longest_at)


Lane: TypeAlias = Held | Paced | Burst


@dataclass(frozen=True, slots=True)
class Entrant:
    """A delivery that wants to begin a run.

    Attributes:
        owner, lease_until: its claim's.
        event_id, time: its event's own, the same for each copy of it.
        published: when the broker took the message.
        expire_at: until when it is to be remembered.
    """

    owner: str
    lease_until: datetime
    event_id: str
    time: datetime
    published: datetime
    expire_at: datetime


@dataclass(frozen=True, slots=True)
class Enter:
    """Claim, and write ``lane`` in the same commit; None: there is nothing to write."""

    lane: Lane | None


@dataclass(frozen=True, slots=True)
class Wait:
    """Come back later; ``lane``, if there is one, is to be written first."""

    reason: str
    lane: Lane | None = None


@dataclass(frozen=True, slots=True)
class GiveWay:
    """The event ``later`` follows so closely that this one need not run."""

    later: str


Admission: TypeAlias = Enter | Wait | GiveWay


def lane_key(limit: PerKey, function: str, event: Event) -> str | None:
    """The lane's document id; None for an event that has no value for the key and so is not limited."""
    if limit.key == ORDERING_KEY:
        return record_key(function, event.key) if event.key else None
    try:
        return record_key(function, field_value(limit.key, event.data))
    except KeyError:
        return None


def enter(limit: PerKey, lane: Lane | None, entrant: Entrant, now: datetime) -> Admission:
    """What an entrant may do that finds the lane so; one that another kind of limit left behind says nothing."""
    if limit.throttle:
        return _throttled(limit.throttle, lane if isinstance(lane, Paced) else None, now)
    if limit.debounce:
        return _debounced(limit.debounce, lane if isinstance(lane, Burst) else None, entrant, now)
    if isinstance(lane, Held) and lane.lease_until > now:
        return Wait(f"another event of its key is at work, at the longest until {timestamp(lane.lease_until)}")
    return Enter(Held(entrant.owner, entrant.lease_until))


def _throttled(limit: Throttle, lane: Paced | None, now: datetime) -> Admission:
    """The generic cell rate algorithm in its form of virtual scheduling.

    Source: ITU-T Recommendation I.371, Annex A.
    """
    interval = timedelta(seconds=limit.interval_seconds)
    place = max(lane.next_at, now) if lane else now
    begins = place - (limit.burst - 1) * interval
    if begins > now:
        return Wait(f"the next run of its key may begin at {timestamp(begins)}")
    return Enter(Paced(place + interval))


def _debounced(limit: Debounce, burst: Burst | None, entrant: Entrant, now: datetime) -> Admission:
    """Which event is the latest goes by the events' own times, since a copy of one is published later than it.

    None gives way but to a run that begins after it was published.
    """
    known = burst
    if burst is None or (entrant.time, entrant.event_id) > (burst.time, burst.event_id):
        burst = _followed(limit, burst, entrant)
    elif entrant.event_id != burst.event_id:
        # One that is far from all that is known comes late, of a burst that is over.
        apart = burst.first - entrant.time > timedelta(seconds=limit.quiet_seconds)
        # One may wait for something else before it is published, such as what follows a gathering.
        missed = burst.begun_at is not None and entrant.published > burst.begun_at
        return Enter(None) if apart or missed else GiveWay(burst.event_id)
    if burst.begun_at:
        return Enter(None)
    if burst.due_at <= now:
        return Enter(replace(burst, begun_at=now))
    reason = f"waits until {timestamp(burst.due_at)} whether another event of its key follows"
    return Wait(reason, None if burst == known else burst)


def _followed(limit: Debounce, burst: Burst | None, entrant: Entrant) -> Burst:
    """The burst with a new latest event; a burst of its own where that does not follow closely."""
    follows = burst is not None and entrant.time - burst.time <= timedelta(seconds=limit.quiet_seconds)
    waits_already = burst is not None and follows and not burst.begun_at
    return Burst(
        event_id=entrant.event_id,
        time=entrant.time,
        first=burst.first if burst and follows else entrant.time,
        quiet_at=entrant.published + timedelta(seconds=limit.quiet_seconds),
        longest_at=burst.longest_at
        if burst and waits_already
        else entrant.published + timedelta(seconds=limit.longest_seconds),
        begun_at=None,
        expire_at=entrant.expire_at,
    )
