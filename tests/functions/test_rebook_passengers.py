"""Rebooking: one booking per cancelled flight, whatever the partner answers."""

import httpx
import pytest
from pytest_mock import MockerFixture, MockType

from contracts.flights import FlightCancelled, PassengersRebooked
from tidegate.records import Record
from tidegate.testing import Verdict, World, sample

FLIGHT = sample(FlightCancelled, flight_id="EV3267-EWR-20130208", origin="EWR", destination="ORF")


@pytest.fixture
def post(mocker: MockerFixture, world: World) -> MockType:
    """The partner, which books at once unless told otherwise; calls that fail are made again within the same run."""
    mock: MockType = mocker.patch("httpx.AsyncClient.post", return_value=answer(201, {"reference": "RB1"}))
    world.environment["REBOOKING_API_URL"] = "https://partner.test"
    return mock


def answer(status: int, body: object = None) -> httpx.Response:
    return httpx.Response(status, json=body, request=httpx.Request("POST", "https://partner.test/bookings"))


async def test_the_booking_is_filed_and_announced(world: World, post: MockType) -> None:
    """The reference stands in Firestore and in the event."""
    delivery = await world.deliver("rebook_passengers", FLIGHT)
    assert delivery.verdict is Verdict.DONE
    rebooked = PassengersRebooked(
        flight_id="EV3267-EWR-20130208", origin="EWR", destination="ORF", booking_reference="RB1"
    )
    assert delivery.emitted == [rebooked]
    assert world.documents == {"rebookings/EV3267-EWR-20130208": rebooked.model_dump()}


async def test_the_partner_is_asked_with_an_idempotency_key(world: World, post: MockType) -> None:
    """The key is what lets the partner recognise a call whose answer was lost: it is the same at every attempt."""
    post.return_value = answer(503)
    delivery = await world.deliver("rebook_passengers", FLIGHT)
    await world.redeliver(delivery)
    assert len(post.await_args_list) > 1
    [(url, asked, key)] = {
        (call.args[0], str(call.kwargs["json"]), call.kwargs["headers"]["Idempotency-Key"])
        for call in post.await_args_list
    }
    assert (url, asked) == ("https://partner.test/bookings", str(FLIGHT.model_dump(mode="json")))
    assert len(key) == 32


async def test_an_answered_booking_is_not_made_again(world: World, post: MockType) -> None:
    """A later attempt at the same event uses the booking of the earlier one."""

    def lose_what_follows(record: Record) -> None:
        world.ledger.away = bool(record.steps)

    world.ledger.on_write = lose_what_follows
    delivery = await world.deliver("rebook_passengers", FLIGHT)
    assert (delivery.verdict, delivery.steps) == (Verdict.RETRY, {"book": "RB1"})
    world.ledger.away = False
    world.ledger.on_write = lambda record: None
    await world.advance(seconds=60)
    delivery = await world.redeliver(delivery)
    assert (delivery.verdict, delivery.attempt) == (Verdict.DONE, 2)
    post.assert_awaited_once()


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_refusal_is_final(world: World, post: MockType, status: int) -> None:
    """The same request would be refused again: the reason carries what the partner said."""
    post.return_value = answer(status, {"error": "no seats"})
    delivery = await world.deliver("rebook_passengers", FLIGHT)
    assert delivery.verdict is Verdict.DEAD
    assert f"refused EV3267-EWR-20130208 with {status}: " in delivery.reason
    assert "no seats" in delivery.reason
    assert delivery.letter is not None


@pytest.mark.parametrize("status", [302, 408, 409, 429, 500, 503])
async def test_a_passing_failure_is_tried_again(world: World, post: MockType, status: int) -> None:
    """Nothing is filed until a booking is known."""
    post.return_value = answer(status)
    delivery = await world.deliver("rebook_passengers", FLIGHT)
    assert (delivery.verdict, delivery.emitted, dict(world.documents)) == (Verdict.RETRY, [], {})


@pytest.mark.parametrize("body", [{}, {"reference": ""}, {"reference": None}, []])
async def test_an_answer_without_a_reference_is_tried_again(world: World, post: MockType, body: object) -> None:
    """It must not be kept as the step's result, or no later attempt could mend it."""
    post.return_value = answer(201, body)
    delivery = await world.deliver("rebook_passengers", FLIGHT)
    assert (delivery.verdict, delivery.steps) == (Verdict.RETRY, {})


async def test_a_partner_that_is_down_is_left_alone(world: World, post: MockType) -> None:
    """After five failures nobody calls it, at no cost of an attempt; once it has cooled down one call finds it well."""
    world.fail_dependency("rebook_passengers", "rebooking-api", httpx.ConnectError("refused"), times=5)
    failed = [await world.deliver("rebook_passengers", FLIGHT) for _ in range(5)]
    assert {each.verdict for each in failed} == {Verdict.RETRY}
    assert (await world.redeliver(failed[0])).verdict is Verdict.BUSY
    await world.advance(seconds=60)
    delivery = await world.redeliver(failed[0])
    assert (delivery.verdict, delivery.attempt) == (Verdict.DONE, 2)
    post.assert_awaited_once()
