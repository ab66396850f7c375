"""Backlogs as Cloud Monitoring tells them, asked of a server that answers like it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession

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


@dataclass
class Monitoring:
    """A server in place of Cloud Monitoring; ``asked`` are the paths and parameters of the requests."""

    status: int = 200
    body: bytes = b"{}"
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)
    url: str = ""

    def says(self, *found: dict[str, Any]) -> None:
        self.body = json.dumps({"timeSeries": found}).encode()

    def backlogs(self) -> MonitoredBacklogs:
        session = AuthorizedSession(AnonymousCredentials())  # type: ignore[no-untyped-call]
        session.trust_env = False
        return MonitoredBacklogs(session, "desk", url=self.url, clock=lambda: NOON)


@pytest.fixture
def monitoring() -> Iterator[Monitoring]:
    service = Monitoring()

    class Requests(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            service.asked.append((parts.path, parse_qs(parts.query)))
            self.send_response(service.status)
            self.send_header("content-length", str(len(service.body)))
            self.end_headers()
            self.wfile.write(service.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    yield service
    server.shutdown()
    thread.join()
    server.server_close()


async def test_the_latest_samples_are_told(monitoring: Monitoring) -> None:
    """How many wait, since when the oldest does, and when that was so; nothing of what has no samples."""
    monitoring.says(
        series("num_undelivered_messages", "rebook-passengers", 12, 40),
        series("oldest_unacked_message_age", "rebook-passengers", 90, 30),
        series("num_undelivered_messages", "edit-note", 0),
        series("oldest_unacked_message_age", "edit-note", 0),
    )
    found = await monitoring.backlogs().look(["rebook_passengers", "edit_note", "webhooks"])
    as_of = NOON - timedelta(minutes=2)
    assert found == {
        "rebook_passengers": Backlog(12, False, as_of - timedelta(seconds=90), as_of),
        "edit_note": Backlog(0, False, None, as_of),
    }


async def test_all_are_asked_for_at_once(monitoring: Monitoring) -> None:
    """One request names the two metrics, the subscriptions and the last minutes."""
    await monitoring.backlogs().look(["rebook_passengers", "edit_note"])
    [(path, parameters)] = monitoring.asked
    assert path == "/v3/projects/desk/timeSeries"
    assert parameters == {
        "filter": [
            f'metric.type = one_of("{METRICS}num_undelivered_messages", "{METRICS}oldest_unacked_message_age") '
            'AND resource.labels.subscription_id = one_of("edit-note", "rebook-passengers")'
        ],
        "interval.startTime": ["2013-02-08T11:50:00.000000Z"],
        "interval.endTime": ["2013-02-08T12:00:00.000000Z"],
    }


@pytest.mark.parametrize(("status", "says"), [(403, "roles/monitoring.viewer"), (500, "500"), (200, "Monitoring")])
async def test_a_refusal_is_no_empty_backlog(monitoring: Monitoring, status: int, says: str) -> None:
    """Where there is no answer, or none that can be read, the error says what to do."""
    monitoring.status, monitoring.body = status, b"no JSON"
    with pytest.raises(BacklogUnknown, match=says):
        await monitoring.backlogs().look(["edit_note"])
