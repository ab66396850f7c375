"""Backlogs as Cloud Monitoring tells them, asked of a server that answers like it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.google_service import GoogleService, google_service
from tidegate.testing import NOON
from tidegate_ops.backlogs import Backlog, BacklogUnknown, MonitoredBacklogs

pytestmark = pytest.mark.anyio

METRICS = "pubsub.googleapis.com/subscription/"


def series(metric: str, subscription: str, *values: int) -> dict[str, Any]:
    """The samples of one metric, the latest first, as the service writes them."""
    ends = [NOON - timedelta(minutes=2 + number) for number in range(len(values))]
    return {
        "metric": {"type": METRICS + metric},
        "resource": {"type": "pubsub_subscription", "labels": {"subscription_id": subscription}},
        "points": [
            {
                "interval": {"startTime": f"{end:%Y-%m-%dT%H:%M:%SZ}", "endTime": f"{end:%Y-%m-%dT%H:%M:%SZ}"},
                "value": {"int64Value": str(value)},
            }
            for end, value in zip(ends, values, strict=True)
        ],
    }


@pytest.fixture
def service() -> Iterator[GoogleService]:
    with google_service() as service:
        yield service


def backlogs(service: GoogleService) -> MonitoredBacklogs:
    return MonitoredBacklogs(service.session, "desk", url=service.url, clock=lambda: NOON)


async def test_the_latest_samples_are_told(service: GoogleService) -> None:
    """How many wait, since when the oldest does, and when that was so; nothing of what has no samples."""
    samples = [
        series("num_undelivered_messages", "rebook-passengers", 12, 40),
        series("oldest_unacked_message_age", "rebook-passengers", 90, 30),
        series("num_undelivered_messages", "edit-note", 0),
        series("oldest_unacked_message_age", "edit-note", 0),
    ]
    service.answer = lambda asked: {"timeSeries": samples}
    found = await backlogs(service).look(["rebook_passengers", "edit_note", "webhooks"])
    as_of = NOON - timedelta(minutes=2)
    assert found == {
        "rebook_passengers": Backlog(12, False, as_of - timedelta(seconds=90), as_of),
        "edit_note": Backlog(0, False, None, as_of),
    }


async def test_all_are_asked_for_at_once(service: GoogleService) -> None:
    """One request names the two metrics, the subscriptions and the last minutes."""
    await backlogs(service).look(["rebook_passengers", "edit_note"])
    [asked] = service.asked
    assert asked.path == "/v3/projects/desk/timeSeries"
    assert asked.parameters == {
        "filter": [
            f'metric.type = one_of("{METRICS}num_undelivered_messages", "{METRICS}oldest_unacked_message_age") '
            'AND resource.labels.subscription_id = one_of("edit-note", "rebook-passengers")'
        ],
        "interval.startTime": ["2013-02-08T11:50:00.000000Z"],
        "interval.endTime": ["2013-02-08T12:00:00.000000Z"],
    }


@pytest.mark.parametrize(("status", "says"), [(403, "roles/monitoring.viewer"), (500, "500"), (200, "Monitoring")])
async def test_a_refusal_is_no_empty_backlog(service: GoogleService, status: int, says: str) -> None:
    """Where there is no answer, or none that can be read, the error says what to do."""
    service.status, service.answer = status, lambda asked: b"no JSON"
    with pytest.raises(BacklogUnknown, match=says):
        await backlogs(service).look(["edit_note"])
