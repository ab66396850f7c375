"""Counting flights: what one flight adds to its airport-hour."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient, Increment
from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
from pytest_mock import MockerFixture, MockType

from contracts.flights import FlightAssessed
from tidegate_ops.project import Project

HANDLER = Project.find(Path(__file__).parent).load_handler("track_hour")


@pytest.fixture
def batch(mocker: MockerFixture) -> MockType:
    mock: MockType = mocker.Mock(spec=AsyncWriteBatch)
    return mock


def track(batch: MockType, status: str, delay_minutes: int | None) -> None:
    flight = FlightAssessed.model_validate(
        {
            "flight_id": "EV3267-EWR-20130208",
            "carrier": "EV",
            "airline": "ExpressJet Airlines Inc.",
            "number": 3267,
            "origin": "EWR",
            "origin_name": "Newark Liberty Intl",
            "destination": "ORF",
            "destination_name": "Norfolk Intl",
            "scheduled_departure": "2013-02-08T15:28:00-05:00",
            "departure_hour": "20130208T15",
            "status": status,
            "delay_minutes": delay_minutes,
        }
    )
    firestore = AsyncClient(project="test", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    asyncio.run(HANDLER.call(flight, SimpleNamespace(firestore=firestore, batch=batch)))


def test_the_airport_hour_names_the_document(batch: MockType) -> None:
    """One document an airport and local hour, and one write a flight."""
    track(batch, "on_time", 0)
    batch.set.assert_called_once()
    assert batch.set.call_args.args[0].path == "airport_hours/EWR-20130208T15"


@pytest.mark.parametrize("status", ["on_time", "delayed", "diverted", "cancelled"])
def test_a_flight_counts_under_its_status(batch: MockType, status: str) -> None:
    """Every counter is incremented, the others by zero, and none is overwritten; the hour knows its date."""
    track(batch, status, None)
    zeros = dict.fromkeys(("on_time", "delayed", "diverted", "cancelled", "delay_minutes"), Increment(0))
    assert batch.set.call_args.args[1] == {
        "date": "2013-02-08",
        "flights": Increment(1),
        **zeros,
        status: Increment(1),
    }
    assert batch.set.call_args.kwargs == {"merge": True}


@pytest.mark.parametrize(("delay", "added"), [(37, 37), (-8, 0), (None, 0)])
def test_only_lateness_adds_minutes(batch: MockType, delay: int | None, added: int) -> None:
    """An early departure makes no other one less late."""
    track(batch, "delayed", delay)
    assert batch.set.call_args.args[1]["delay_minutes"] == Increment(added)
