"""Limits per key as decisions: who may enter a lane, in virtual time."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from pydantic import ValidationError

from tests.orders import order
from tidegate.events import Event
from tidegate.key_limits import PerKey
from tidegate.lanes import Admission, Burst, Enter, Entrant, GiveWay, Held, Lane, Paced, Wait, enter, lane_key
from tidegate.testing import NOON

SINGLETON = PerKey.model_validate({"key": "ordering_key", "singleton": {}})
DEBOUNCE = PerKey.model_validate(
    {"key": "ordering_key", "debounce": {"quiet_seconds": 5, "longest_seconds": 20}},
)


def throttle(runs: int, seconds: float, burst: int = 1) -> PerKey:
    return PerKey.model_validate(
        {"key": "ordering_key", "throttle": {"runs": runs, "seconds": seconds, "burst": burst}}
    )


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def entrant(event_id: str = "event", seconds: float = 0, **changes: object) -> Entrant:
    """A delivery of an event of this time, published then."""
    made = Entrant(f"owner of {event_id}", at(60), event_id, at(seconds), at(seconds), at(1000))
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_free_singleton_is_held_until_the_lease_ends() -> None:
    """Whoever comes meanwhile waits, and the place is free again when the lease is over."""
    lane = enter(SINGLETON, None, entrant("a"), NOON)
    assert lane == Enter(Held("owner of a", at(60)))
    held = Held("owner of a", at(60))
    assert isinstance(enter(SINGLETON, held, entrant("b"), at(59.9)), Wait)
    assert enter(SINGLETON, held, entrant("b", lease_until=at(120)), at(60)) == Enter(Held("owner of b", at(120)))


def test_what_another_kind_of_limit_left_behind_says_nothing() -> None:
    """A topology may change from one limit to another while lanes of the old kind are still kept."""
    assert isinstance(enter(SINGLETON, Paced(at(600)), entrant(), NOON), Enter)
    assert isinstance(enter(throttle(1, 60), Held("a", at(600)), entrant(), NOON), Enter)
    assert isinstance(enter(DEBOUNCE, Held("a", at(600)), entrant(), at(5)), Enter)


def runs(limit: PerKey, moments: list[float]) -> list[float]:
    """Of arrivals at these moments, those that may run."""
    lane: Lane | None = None
    begun = []
    for moment in moments:
        match enter(limit, lane, entrant(), at(moment)):
            case Enter(changed):
                lane = changed
                begun.append(moment)
            case Wait(_, changed):
                assert changed is None
    return begun


@pytest.mark.parametrize(
    ("limit", "moments", "begun"),
    [
        (throttle(1, 60), [0, 1, 59.9, 60, 61, 119, 120], [0, 60, 120]),
        (throttle(4, 60), [0, 14.9, 15, 29.9, 30, 45, 60], [0, 15, 30, 45, 60]),
        (throttle(1, 60), [0, 100, 159, 160], [0, 100, 160]),
        (throttle(4, 60, burst=3), [0, 0, 0, 0, 14, 15, 16, 30], [0, 0, 0, 15, 30]),
        (throttle(4, 60, burst=3), [0, 0, 0, 30, 30, 30, 100, 100, 100, 100], [0, 0, 0, 30, 30, 100, 100, 100]),
    ],
    ids=["one a minute", "evenly spread", "quiet time is not saved up", "a burst at once", "a burst fills up again"],
)
def test_throttled_runs(limit: PerKey, moments: list[float], begun: list[float]) -> None:
    """Places are a period's share apart; a burst uses places ahead."""
    assert runs(limit, moments) == begun


@pytest.mark.parametrize("burst", [1, 3])
def test_no_period_sees_more_than_its_runs_and_the_burst(burst: int) -> None:
    """Whatever comes when, so many begin within any period, less the one that the burst counts twice."""
    begun = runs(throttle(5, 60, burst), [tenth / 10 for tenth in range(6000)])
    most = max(sum(start <= each < start + 60 for each in begun) for start in begun)
    assert most == 5 + burst - 1


def after(*deliveries: tuple[float, Entrant]) -> tuple[list[Admission], Burst | None]:
    """What each delivery may do, one after another, and the lane after them."""
    lane: Lane | None = None
    found = []
    for moment, each in deliveries:
        found.append(enter(DEBOUNCE, lane, each, at(moment)))
        if isinstance(found[-1], Enter | Wait):
            lane = found[-1].lane or lane
    assert isinstance(lane, Burst | None)
    return found, lane


def kinds(*deliveries: tuple[float, Entrant]) -> list[type]:
    return [type(each) for each in after(*deliveries)[0]]


def test_a_lone_event_runs_after_the_quiet_time() -> None:
    """Not before; and it registers once."""
    a = entrant("a")
    found, lane = after((0.1, a), (1, a), (4.9, a), (5, a))
    assert [type(each) for each in found] == [Wait, Wait, Wait, Enter]
    assert [each.lane is None for each in found if isinstance(each, Wait)] == [False, True, True]
    assert lane is not None
    assert lane.begun_at == at(5)


def test_the_latest_of_a_burst_runs() -> None:
    """The earlier ones give way to it, also when it has run already."""
    a, b, c = entrant("a"), entrant("b", 3), entrant("c", 6)
    assert kinds((0, a), (3, b), (4, a), (6, c), (7, b), (11, c), (12, a)) == [
        Wait,
        Wait,
        GiveWay,
        Wait,
        GiveWay,
        Enter,
        GiveWay,
    ]


def test_events_of_one_time_are_told_apart_by_their_ids() -> None:
    """Exactly one of them is the latest, whichever comes first."""
    a, b = entrant("a"), entrant("b")
    assert kinds((0, a), (0, b), (5, a), (5, b)) == [Wait, Wait, GiveWay, Enter]
    assert kinds((0, b), (0, a), (5, b), (5, a)) == [Wait, GiveWay, Enter, GiveWay]


def test_a_burst_without_end_runs_in_between() -> None:
    """What is the latest when the longest wait is over runs; the next wait begins with the next event."""
    found, lane = after(*((second, entrant(f"{second:02}", second)) for second in range(42)))
    assert [second for second, each in enumerate(found) if isinstance(each, Enter)] == [20, 41]
    assert lane is not None
    assert lane.first == at(0)


def test_what_follows_later_is_another_burst() -> None:
    """The latest of the burst before is not superseded, even if it has not run yet."""
    a, b = entrant("a"), entrant("b", 5.1)
    assert kinds((0, a), (6, b), (7, a), (10.1, b)) == [Wait, Wait, Enter, Enter]


def test_a_late_event_of_a_burst_gives_way() -> None:
    """It was published in time, and delivered after the others had run."""
    a, b, late = entrant("a"), entrant("b", 4), entrant("late", 2)
    assert kinds((0, a), (4, b), (9, b), (300, late)) == [Wait, Wait, Enter, GiveWay]


def test_nothing_gives_way_to_a_run_that_began_before_it_was_published() -> None:
    """It was made earlier and published later: that run cannot know of it."""
    a, b, delayed = entrant("a"), entrant("b", 4), entrant("delayed", 2, published=at(10))
    assert kinds((0, a), (4, b), (9, b), (10, delayed), (10, a)) == [Wait, Wait, Enter, Enter, GiveWay]


def test_a_copy_is_no_later_than_its_event() -> None:
    """A message that is published again supersedes nothing that came after it, and puts nothing off."""
    a, b = entrant("a"), entrant("b", 2)
    copy_of_a, copy_of_b = replace(a, published=at(4)), replace(b, published=at(6))
    assert kinds((0, a), (2, b), (4, copy_of_a), (6, copy_of_b), (7, b)) == [Wait, Wait, GiveWay, Wait, Enter]


def test_a_run_that_has_begun_is_not_held_up() -> None:
    """A delivery of the event that runs already goes on to its record, which says the rest."""
    a = entrant("a")
    assert after((5, a), (6, a))[0] == [Enter(Burst("a", at(0), at(0), at(5), at(20), at(5), at(1000))), Enter(None)]


PLACED = Event("event", "order.placed", "/shop", b'{"order_id": "o-1", "items": 1, "note": null}', NOON, key="k")


@pytest.mark.parametrize(
    ("key", "event", "limited"),
    [
        ("ordering_key", PLACED, True),
        ("ordering_key", replace(PLACED, key=""), False),
        ("data.order_id", PLACED, True),
        ("data.note", PLACED, False),
        ("data.weight", PLACED, False),
    ],
)
def test_events_without_the_key_are_not_limited(key: str, event: Event, limited: bool) -> None:
    """No ordering key, no such field, or null in it: there is nothing to limit by."""
    lane = lane_key(PerKey.model_validate({"key": key, "singleton": {}}), "pack", event)
    assert (lane is not None) is limited


def test_lanes_are_told_apart_by_function_and_value() -> None:
    """Equal values share one, of whatever event; a number is no text."""
    limit = PerKey.model_validate({"key": "data.order_id", "singleton": {}})

    def lane(function: str, value: str, event_id: str = "event") -> str | None:
        return lane_key(limit, function, replace(PLACED, id=event_id, data=b'{"order_id": %s}' % value.encode()))

    assert lane("pack", '"1"') == lane("pack", '"1"', "other")
    assert len({lane("pack", '"1"'), lane("pack", '"2"'), lane("pack", "1"), lane("ship", '"1"')}) == 4
    message = order().message
    assert lane("pack", '"o-1"') == lane_key(limit, "pack", Event.from_message(message, topic="x", now=NOON))


@pytest.mark.parametrize(
    ("modes", "problem"),
    [
        ({}, "exactly one of singleton, throttle and debounce"),
        ({"singleton": {}, "throttle": {"runs": 1, "seconds": 1}}, "exactly one"),
        ({"debounce": {"quiet_seconds": 61, "longest_seconds": 60}}, "quiet_seconds 61 exceeds longest_seconds 60"),
    ],
)
def test_limits_that_make_no_sense(modes: dict[str, object], problem: str) -> None:
    """One limit a function, and one that can be kept."""
    with pytest.raises(ValidationError, match=problem):
        PerKey.model_validate({"key": "data.order_id", **modes})
