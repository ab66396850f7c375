"""The outbox: what a handler gave back, as the messages that its commit owes."""

from datetime import timedelta
from typing import Any

import pytest

from tests.orders import OrderPacked, OrderPlaced
from tidegate import Context, Emission, Result, emit, gather
from tidegate.causes import Cause
from tidegate.decisions import Returned
from tidegate.emissions import flatten
from tidegate.errors import Reject
from tidegate.events import Event, child_id
from tidegate.handlers import Handler
from tidegate.jobs import Node
from tidegate.messages import Message
from tidegate.outbox import compensation, returned
from tidegate.places import Member, Place
from tidegate.records import record_key
from tidegate.testing import NOON
from tidegate.testing.delivery import TRACE
from tidegate.testing.world import config_of

CAUSE = Event("cause", "order.placed", "/shop", b"{}", NOON)


async def pack(placed: OrderPlaced, ctx: Context) -> list[OrderPacked]:
    return []


CONFIG = config_of(Handler.inspect(pack, pure=False))
UNIT = Member("job", "root", 1, 3)
RECORD = record_key("pack", "the-key")


def outbox_of(
    given: Any, cause: Event = CAUSE, *, unit: Member | None = None, subscribers: tuple[str, ...] = ()
) -> Returned:
    config = CONFIG.model_copy(update={"subscribers": {"order.packed": subscribers}})
    return returned(flatten(given), config=config, cause=Cause(cause, "the-key", unit, NOON, TRACE))


def places(returned: Returned) -> list[Place | None]:
    return [Place.read(each.attributes) for each in returned.outbox]


def test_nothing_is_owed() -> None:
    """A handler that returns nothing owes nothing."""
    assert outbox_of(None) == Returned()


def test_events_become_messages() -> None:
    """Topic, data, ids by position, ordering key and expiry are those of the emission."""
    given = [OrderPacked(parcel=1), emit(OrderPacked(parcel=2), key="k", expires_in=timedelta(minutes=1))]
    outbox = outbox_of(given).outbox
    events = [Event.from_message(Message("m", each.data, each.attributes), topic="", now=NOON) for each in outbox]
    assert [each.topic for each in outbox] == ["order.packed"] * 2
    assert [each.key for each in outbox] == [each.key for each in events] == ["", "k"]
    assert [each.id for each in events] == [child_id("pack", "the-key", number) for number in range(2)]
    assert [each.expires for each in events] == [None, NOON + timedelta(minutes=1)]
    assert {(each.source, each.version, each.time) for each in events} == {("/functions/pack", 1, NOON)}
    assert [OrderPacked.parse(each.data).parcel for each in events] == [1, 2]


@pytest.mark.parametrize(("earlier", "correlation"), [({}, "cause"), ({"correlationid": "first"}, "first")])
def test_children_name_their_cause(earlier: dict[str, str], correlation: str) -> None:
    """Causation is the parent, correlation the first of all."""
    cause = Event("cause", "order.placed", "/shop", b"{}", NOON, extensions=earlier)
    attributes = outbox_of(OrderPacked(), cause).outbox[0].attributes
    assert (attributes["ce-causationid"], attributes["ce-correlationid"]) == ("cause", correlation)


def test_a_result_is_json() -> None:
    """One result, beside the events."""
    assert outbox_of([Result({"a": 1})]) == Returned((), '{"a": 1}')


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ([Result(1), Result(2)], TypeError, "returned two Results"),
        (Result(object()), TypeError, "not JSON serializable"),
        (Result(float("nan")), ValueError, "not JSON compliant"),
        (OrderPlaced(), TypeError, r"topology\.yaml does not list order\.placed"),
        (Emission(OrderPacked(), key="k" * 1025), Reject, "ce-partitionkey of order.packed exceeds the 1,024"),
        (OrderPacked(order_id="x" * 9_100_000), Reject, "exceeds the 9,000,000"),
    ],
)
def test_what_cannot_be_owed_is_refused(given: Any, error: type[Exception], said: str) -> None:
    """What could never be published or recorded must not be committed."""
    with pytest.raises(error, match=said):
        outbox_of(given)


def test_without_a_job_no_event_has_a_place() -> None:
    """Nobody counts them."""
    outcome = outbox_of([OrderPacked(), OrderPacked()], subscribers=("ship",))
    assert (places(outcome), outcome.nodes) == ([None, None], ())


def test_events_that_nobody_handles_have_no_place() -> None:
    """There is nothing to wait for: the unit settles with its record."""
    outcome = outbox_of([OrderPacked()], unit=UNIT)
    assert (places(outcome), outcome.nodes) == ([None], ())


def test_a_single_unit_takes_the_place_of_its_cause() -> None:
    """A chain of events needs no joins."""
    outcome = outbox_of([OrderPacked()], unit=UNIT, subscribers=("ship",))
    assert (places(outcome), outcome.nodes) == ([Place("job", "root", 1, 3, ("ship",))], ())


def test_several_units_are_joined() -> None:
    """By a node of the record's own, which settles its unit."""
    outcome = outbox_of([OrderPacked(), OrderPacked()], unit=UNIT, subscribers=("bill", "ship"))
    assert places(outcome) == [Place("job", RECORD, first, 4, ("bill", "ship")) for first in (0, 2)]
    assert outcome.nodes == (Node("job", RECORD, 4, UNIT, None, "pack", "cause"),)


def test_a_gathering_is_joined_before_what_follows() -> None:
    """It and the units of what follows are all that the record waits for; the event waits in the gathering's node."""
    given = [OrderPacked(), gather([OrderPacked(), OrderPacked()], then=OrderPacked(parcel=9))]
    outcome = outbox_of(given, unit=UNIT, subscribers=("ship",))
    gathering = f"{RECORD}.1"
    assert places(outcome) == [
        Place("job", RECORD, 0, 3, ("ship",)),
        Place("job", gathering, 0, 2, ("ship",)),
        Place("job", gathering, 1, 2, ("ship",)),
    ]
    join, gathered = outcome.nodes
    assert (join.id, join.units, join.up) == (RECORD, 3, UNIT)
    assert (gathered.id, gathered.units, gathered.up) == (gathering, 2, Member("job", RECORD, 1, 3))
    assert gathered.then is not None
    assert Place.read(gathered.then.attributes) == Place("job", RECORD, 2, 3, ("ship",))
    ids = [*(each.attributes["ce-id"] for each in outcome.outbox), gathered.then.attributes["ce-id"]]
    assert ids == [child_id("pack", "the-key", number) for number in range(4)]


def test_a_gathering_without_a_job_is_counted_by_itself() -> None:
    """And what follows belongs to no job either."""
    outcome = outbox_of(gather([OrderPacked()], then=OrderPacked(parcel=9)), subscribers=("ship",))
    [gathered] = outcome.nodes
    assert (gathered.job, gathered.up) == (f"gather~{RECORD}", None)
    assert places(outcome) == [Place(gathered.job, f"{RECORD}.0", 0, 1, ("ship",))]
    assert gathered.then is not None
    assert Place.read(gathered.then.attributes) is None


def test_a_gathering_that_nobody_handles_has_ended() -> None:
    """What follows it is emitted at once."""
    outcome = outbox_of(gather([OrderPacked()], then=OrderPacked(parcel=9)), unit=UNIT)
    assert len(outcome.outbox) == 2
    assert outcome.nodes == ()


@pytest.mark.parametrize(
    ("emission", "due"),
    [
        (emit(OrderPacked(), delay=timedelta(hours=1)), NOON + timedelta(hours=1)),
        (emit(OrderPacked(), at=NOON + timedelta(days=2)), NOON + timedelta(days=2)),
        (emit(OrderPacked(), at=NOON - timedelta(days=2)), None),
    ],
)
def test_an_event_may_be_due_later(emission: Emission[OrderPacked], due: Any) -> None:
    """After a delay from the handler's end, or at a time; what is past is due at once."""
    assert outbox_of(emission).outbox[0].due == due


def test_an_event_that_is_due_later_expires_later() -> None:
    """Its time to live begins when it is published."""
    emission = emit(OrderPacked(), delay=timedelta(hours=1), expires_in=timedelta(minutes=5))
    assert outbox_of(emission).outbox[0].attributes["ce-expirytime"] == "2013-02-08T13:05:00.000000Z"


@pytest.mark.parametrize(
    "emission",
    [
        emit(OrderPacked(), at=NOON + timedelta(days=31)),
        emit(OrderPacked(order_id="x" * 600_001), delay=timedelta(seconds=1)),
        gather([OrderPacked()], then=OrderPacked(order_id="x" * 900_001)),
    ],
)
def test_what_cannot_wait_is_refused(emission: Any) -> None:
    """Cloud Tasks takes a month and 1 MB at most, a Firestore document 1 MiB."""
    with pytest.raises(Reject):
        outbox_of(emission, subscribers=("ship",))


def test_compensations_have_joins_of_their_own() -> None:
    """Each is counted by itself, and their names are in the order of registration."""
    config = CONFIG.model_copy(update={"subscribers": {"order.packed": ("ship",)}})
    cause = Cause(CAUSE, "the-key", UNIT, NOON, TRACE)
    first, second = (compensation(Emission(OrderPacked()), each, config=config, cause=cause) for each in (9, 10))
    assert first.node.id < second.node.id
    assert Place.read(first.message.attributes) == Place("job", first.node.id, 0, 1, ("ship",))
    assert first.expire_at == NOON + timedelta(days=45)
    with pytest.raises(TypeError, match=r"nobody handles order\.packed"):
        compensation(Emission(OrderPacked()), 0, config=CONFIG, cause=cause)
