"""A job is one trace, from the event that starts it to what follows its gatherings."""

import pytest

from tests.unit.trip_desk import TripDesk, TripPlanned

pytestmark = pytest.mark.anyio


async def test_a_fan_out_is_one_trace() -> None:
    """Every delivery's parent is the delivery that published its event."""
    desk = TripDesk()
    await desk.submit("j-1", TripPlanned(legs=3))
    assert len({each.trace.trace_id for each in desk.reports}) == 1
    spans = {each.trace.span_id: each for each in desk.reports}
    assert len(spans) == len(desk.reports)
    parents = {each.function: spans.get(each.trace.parent_id) for each in desk.reports}
    assert parents.pop("plan_trip") is None
    assert all(parents.values())
    assert {each.function for each in parents.values() if each} >= {"plan_trip", "book_leg"}


async def test_what_follows_a_gathering_links_to_what_ended_it() -> None:
    """It comes of the delivery that gathered, and follows the one that sent it on."""
    desk = TripDesk()
    await desk.submit("j-1", TripPlanned(legs=3))
    [ready] = [each for each in desk.reports if each.event_type == "trip.ready"]
    [planned] = [each for each in desk.reports if each.function == "plan_trip"]
    assert ready.trace.parent_id == planned.trace.span_id
    [link] = ready.links
    [ended] = [each for each in desk.reports if each.trace.span_id == link.span_id]
    assert ended.function == "advance_jobs"


async def test_a_redrive_is_in_the_trace() -> None:
    """What died, its filing, and what is done when it is sent back: below the delivery that published it."""
    desk = TripDesk()
    await desk.submit("j-1", TripPlanned(legs=1, full=(0,)))
    desk.mended = True
    await desk.redrive()
    booked = [each for each in desk.reports if each.function == "book_leg"]
    assert [each.verdict for each in booked] == ["dead", "done"]
    assert len({(each.trace.trace_id, each.trace.parent_id) for each in booked}) == 1
    [filed] = [each for each in desk.reports if each.function == "dead_letters"]
    assert filed.trace.parent_id == booked[0].trace.span_id
