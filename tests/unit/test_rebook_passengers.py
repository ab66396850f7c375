"""Rebooking: one booking per cancelled flight, whatever the partner answers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
from pydantic import ValidationError
from pytest_mock import MockerFixture, MockType

from contracts.flights import FlightCancelled, PassengersRebooked
from tidegate import Reject
from tidegate.dependencies import Use
from tidegate_ops.project import Project

HANDLER = Project.find(Path(__file__).parent).load_handler("rebook_passengers")
FLIGHT = FlightCancelled.model_validate(
    {
        "flight_id": "EV3267-EWR-20130208",
        "airline": "ExpressJet Airlines Inc.",
        "origin": "EWR",
        "destination": "ORF",
        "scheduled_departure": "2013-02-08T15:28:00-05:00",
    }
)


class StandInContext:
    """A context that keeps steps, as the ledger does, across attempts."""

    def __init__(self, mocker: MockerFixture) -> None:
        self.firestore = AsyncClient(project="test", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
        self.batch: MockType = mocker.Mock(spec=AsyncWriteBatch)
        self.steps: dict[str, Any] = {}

    def idempotency_key(self, name: str) -> str:
        return f"key-{name}"

    async def step(self, name: str, call: Callable[..., Awaitable[Any]], *args: Any, **kwargs: Any) -> Any:
        if name not in self.steps:
            self.steps[name] = await call(*args, **kwargs)
        return self.steps[name]

    @asynccontextmanager
    async def dependency(self, name: str) -> AsyncIterator[Use]:
        yield Use(name, "https://partner.test", 10)


@pytest.fixture
def context(mocker: MockerFixture) -> StandInContext:
    return StandInContext(mocker)


@pytest.fixture
def post(mocker: MockerFixture) -> MockType:
    mock: MockType = mocker.patch("httpx.AsyncClient.post")
    return mock


def rebook(context: StandInContext) -> PassengersRebooked:
    return asyncio.run(HANDLER.call(FLIGHT, context))  # type: ignore[no-any-return]


def answer(status: int, body: object = None) -> httpx.Response:
    return httpx.Response(status, json=body, request=httpx.Request("POST", "https://partner.test/bookings"))


def test_the_partner_is_asked_with_an_idempotency_key(context: StandInContext, post: MockType) -> None:
    """The key is what lets the partner recognise a call whose answer was lost."""
    post.return_value = answer(201, {"reference": "RB1"})
    rebook(context)
    post.assert_awaited_once_with(
        "https://partner.test/bookings",
        json=FLIGHT.model_dump(mode="json"),
        headers={"Idempotency-Key": "key-book"},
    )


def test_the_booking_is_filed_and_announced(context: StandInContext, post: MockType) -> None:
    """The reference stands in Firestore and in the event."""
    post.return_value = answer(201, {"reference": "RB1"})
    assert rebook(context) == PassengersRebooked(
        flight_id="EV3267-EWR-20130208", origin="EWR", destination="ORF", booking_reference="RB1"
    )
    document, fields = context.batch.set.call_args.args
    assert document.path == "rebookings/EV3267-EWR-20130208"
    assert fields["booking_reference"] == "RB1"


def test_an_answered_booking_is_not_made_again(context: StandInContext, post: MockType) -> None:
    """A later attempt at the same event uses the booking of the earlier one."""
    post.return_value = answer(201, {"reference": "RB1"})
    assert rebook(context) == rebook(context)
    post.assert_awaited_once()


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_refusal_is_final(context: StandInContext, post: MockType, status: int) -> None:
    """The same request would be refused again: the reason carries what the partner said."""
    post.return_value = answer(status, {"error": "no seats"})
    with pytest.raises(Reject, match=rf"refused EV3267-EWR-20130208 with {status}: .*no seats"):
        rebook(context)


@pytest.mark.parametrize("status", [302, 408, 409, 429, 500, 503])
def test_a_passing_failure_is_tried_again(context: StandInContext, post: MockType, status: int) -> None:
    """Any exception but Reject is a retry; nothing is filed until a booking is known."""
    post.return_value = answer(status)
    with pytest.raises(httpx.HTTPStatusError):
        rebook(context)
    assert not context.batch.set.called


@pytest.mark.parametrize("body", [{}, {"reference": ""}, {"reference": None}, []])
def test_an_answer_without_a_reference_is_tried_again(context: StandInContext, post: MockType, body: object) -> None:
    """It must not be kept as the step's result, or no later attempt could mend it."""
    post.return_value = answer(201, body)
    with pytest.raises(ValidationError):
        rebook(context)
    assert context.steps == {}
