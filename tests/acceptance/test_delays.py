"""Events that are due later, and schedules, on the emulators."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.pubsub_v1.types import Subscription

from tests.acceptance.application import Application, running
from tidegate.topology import Schedule
from tidegate_ops.broker import LocalBroker
from tidegate_ops.emulators import PubSubEmulator
from tidegate_ops.scheduler import Scheduler

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parents[1]
IN_SECONDS = 10
_UNWANTED = shutil.ignore_patterns("__pycache__", ".*", "schemas")


@pytest.fixture(scope="module")
def pilots(emulators_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """The pilots beside these tests, with this runtime; use ships of the test's own."""
    root = tmp_path_factory.mktemp("pilots") / "project"
    shutil.copytree(_HERE / "pilots", root, ignore=_UNWANTED)
    shutil.copytree(_REPOSITORY / "infra" / "tidegate", root / "infra" / "tidegate", ignore=_UNWANTED)
    shutil.copytree(_REPOSITORY / "functions" / "dead_letters", root / "functions" / "dead_letters", ignore=_UNWANTED)
    with running(root, {}) as application:
        yield application


def test_a_delayed_event_comes_when_it_is_due(pilots: Application) -> None:
    """Not before, and once, though every function has been restarted and the event that led to it came twice."""
    started = time.time()
    for verdict in ("done", "duplicate"):
        pilots.emit("ship.expected", {"ship": "Ida", "in_seconds": IN_SECONDS}, event_id="ida")
        pilots.log.wait_delivery(function="call_pilot", event_id="ida", verdict=verdict)
    for function in ("call_pilot", "send_pilot"):
        pilots.stack.kill_function(function, worker=False)
    assert not pilots.document("pilots/Ida"), "it was due too soon for this test to say anything"
    sent = pilots.log.wait_delivery(function="send_pilot", verdict="done", seconds=60)
    assert datetime.fromisoformat(sent["time"]).timestamp() - started >= IN_SECONDS
    pilots.log.wait_quiet(1)
    assert pilots.document("pilots/Ida") == {"times": 1}
    assert len(pilots.log.deliveries(function="send_pilot")) == 1


def test_a_schedule_publishes_a_plain_message(pubsub_emulator: PubSubEmulator) -> None:
    """Without attributes, so that it is an event of its topic with the message's own id."""
    minutely = Schedule(cron="* * * * *", topic="ship.expected", data={"ship": "Ida", "in_seconds": 60})
    moments = iter([datetime(2026, 2, 8, 11, 59, 59, tzinfo=UTC)])
    with LocalBroker(pubsub_emulator.host, "schedules") as broker:
        broker.publisher.create_topic(name=broker.topic_path("ship.expected"))
        subscription = broker.subscription_path("keep")
        broker.subscriber.create_subscription(
            request=Subscription(name=subscription, topic=broker.topic_path("ship.expected"))
        )
        scheduler = Scheduler(
            {"minutely": minutely},
            publish=broker.publish,
            clock=lambda: next(moments, datetime(2026, 2, 8, 12, tzinfo=UTC) + timedelta(seconds=1)),
        )
        scheduler.start()
        (received,) = broker.subscriber.pull(subscription=subscription, max_messages=1, timeout=60).received_messages
        scheduler.close()
    assert received.message.data == b'{"ship": "Ida", "in_seconds": 60}'
    assert not received.message.attributes
