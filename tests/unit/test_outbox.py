"""The outbox: what a handler gave back, as the messages that its commit owes."""

from datetime import timedelta
from typing import Any

import pytest

from tests.worlds import NOON, OrderPacked, OrderPlaced, config_of
from tidegate import Context, Emission, Result, emit
from tidegate.causes import Cause
from tidegate.decisions import Returned
from tidegate.emissions import flatten
from tidegate.errors import Reject
from tidegate.events import Event, child_id
from tidegate.handlers import Handler
from tidegate.messages import Message
from tidegate.outbox import returned

CAUSE = Event("cause", "order.placed", "/shop", b"{}", NOON)


async def pack(placed: OrderPlaced, ctx: Context) -> list[OrderPacked]:
    return []


CONFIG = config_of(Handler.inspect(pack, pure=False))


def outbox_of(given: Any, cause: Event = CAUSE) -> Returned:
    return returned(flatten(given), config=CONFIG, cause=Cause(cause, "the-key", None, NOON))


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
