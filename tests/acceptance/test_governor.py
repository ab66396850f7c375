"""The governor on the emulators: a partner that is down pauses what needs it, and nothing else ever does for long."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.pubsub_v1.types import PushConfig
from typer.testing import CliRunner

from tests.acceptance.application import Application, running
from tests.acceptance.delivery_log import eventually
from tests.acceptance.projects import copy_desk
from tidegate_ops.broker import LocalBroker
from tidegate_ops.cli import app
from tidegate_ops.demo.partner import Partner

FUNCTION, SUBSCRIPTION = "rebook_passengers", "rebook-passengers"
NEEDED = (FUNCTION, "governor", "dead_letters")
FLIGHTS = 8
PATIENCE_SECONDS = 90
"""A sweep comes each minute, whatever else has failed."""

Operate = Callable[..., Any]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The part of the desk that needs the partner, with a breaker that soon opens, and a governor with short leases."""
    root = copy_desk(tmp_path_factory.mktemp("governed") / "desk")
    path = root / "infra" / "topology.yaml"
    topology = json.loads(path.read_text())
    topology["http_functions"] = {}
    topology["functions"] = {name: topology["functions"][name] for name in NEEDED}
    topology["functions"]["governor"]["timeout_seconds"] = 5
    topology["functions"][FUNCTION]["attempts"] = 50
    topology["limits"]["lease_margin_seconds"] = 1
    topology["dependencies"]["rebooking-api"] |= {
        "retries": {"attempts": 1},
        "breaker": {"failures": 3, "cool_down_seconds": 4, "longest_cool_down_seconds": 8},
    }
    path.write_text(json.dumps(topology))
    return root


@pytest.fixture(scope="module")
def partner() -> Iterator[Partner]:
    with Partner() as partner:
        yield partner


@pytest.fixture(scope="module")
def desk(emulators_installed: None, root: Path, partner: Partner) -> Iterator[Application]:
    """The desk at work; use flights of the test's own."""
    with running(root, {"REBOOKING_API_URL": partner.url}) as application:
        yield application


@pytest.fixture(scope="module")
def broker(desk: Application) -> Iterator[LocalBroker]:
    with LocalBroker(desk.stack.state.pubsub_host, desk.stack.state.project) as broker:
        yield broker


@pytest.fixture
def operate(root: Path, desk: Application, monkeypatch: pytest.MonkeyPatch) -> Operate:
    """Runs a command in the project's folder, as an operator does; returns the JSON that it prints."""
    monkeypatch.chdir(root)
    for name in ("PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return run


def push_of(broker: LocalBroker) -> PushConfig:
    return broker.subscriber.get_subscription(subscription=broker.subscription_path(SUBSCRIPTION)).push_config


def is_paused(broker: LocalBroker) -> bool:
    return not push_of(broker).push_endpoint


def cancel_flights(desk: Application, count: int = FLIGHTS) -> set[str]:
    """Cancel so many flights; returns their ids."""
    ids = {f"UA{next(_numbers)}-EWR-20130208" for _ in range(count)}
    for flight_id in ids:
        flight = {"flight_id": flight_id, "airline": "United", "origin": "EWR", "destination": "IAH"}
        desk.emit("flight.cancelled", {**flight, "scheduled_departure": "2013-02-08T11:00:00-05:00"})
    return ids


def wait_rebooked(desk: Application, partner: Partner, ids: set[str]) -> None:
    """Return once all are, each once, without any dead letter."""
    eventually(lambda: ids <= desk.documents("rebookings").keys(), PATIENCE_SECONDS)
    booked = [each.flight_id for each in partner.log() if each.flight_id in ids]
    assert sorted(booked) == sorted(ids)
    assert desk.letters() == []


def kill_governor(desk: Application, times: int) -> None:
    """Kill whatever worker of it there is, so many times."""
    for _ in range(times):
        desk.kill("governor")


def test_an_outage_pauses_what_needs_the_partner(
    desk: Application, broker: LocalBroker, partner: Partner, operate: Operate
) -> None:
    """While it lasts, what comes waits; it resumes by itself as it was, and every flight is rebooked once."""
    before = push_of(broker)
    wait_rebooked(desk, partner, cancel_flights(desk, 1))
    partner.adjust(down=True)
    ids = cancel_flights(desk)
    eventually(lambda: is_paused(broker), PATIENCE_SECONDS)
    # For as long as the partner is down it is resumed for a moment after each cool-down, to probe.
    reason = eventually(lambda: _standing(operate)["governor"], PATIENCE_SECONDS)
    assert reason["dependency"] == "rebooking-api"
    partner.adjust(down=False)
    wait_rebooked(desk, partner, ids)
    eventually(lambda: not is_paused(broker), PATIENCE_SECONDS)
    assert push_of(broker) == before


def test_a_killed_governor_leaves_nothing_paused(desk: Application, broker: LocalBroker, partner: Partner) -> None:
    """Whatever it had begun when it died, to pause or to resume, another one ends."""
    partner.adjust(down=True)
    ids = cancel_flights(desk)
    eventually(lambda: (desk.document(f"pauses/{FUNCTION}") or {}).get("cut_off"), PATIENCE_SECONDS)
    kill_governor(desk, times=1)  # while it takes the push off
    eventually(lambda: is_paused(broker), PATIENCE_SECONDS)
    kill_governor(desk, times=5)  # while the cool-down ends
    partner.adjust(down=False)
    wait_rebooked(desk, partner, ids)
    eventually(lambda: not is_paused(broker), PATIENCE_SECONDS)


def test_what_an_operator_paused_stays_paused(
    desk: Application, broker: LocalBroker, partner: Partner, operate: Operate
) -> None:
    """Through a deployment that puts the push back, until they resume it; then what has waited is worked off."""
    push = push_of(broker)
    operate("pause", FUNCTION, "--reason", "maintenance")
    assert is_paused(broker)
    ids = cancel_flights(desk)
    eventually(lambda: _waiting(operate) == FLIGHTS)
    broker.subscriber.modify_push_config(subscription=broker.subscription_path(SUBSCRIPTION), push_config=push)
    woken = desk.emit("governor.woken", {"cause": "a deployment"})
    desk.log.wait_delivery(function="governor", event_id=woken, verdict="done")
    assert is_paused(broker)
    operate("resume", FUNCTION)
    wait_rebooked(desk, partner, ids)
    assert push_of(broker) == push


def test_a_drained_function_has_worked_off_what_waited(
    desk: Application, broker: LocalBroker, partner: Partner, operate: Operate
) -> None:
    """It is resumed for that, and paused at the end."""
    operate("pause", FUNCTION)
    ids = cancel_flights(desk)
    standing = operate("drain", FUNCTION, "--reason", "migration")
    assert standing["operator"]["reason"] == "migration"
    assert is_paused(broker)
    wait_rebooked(desk, partner, ids)
    operate("resume", FUNCTION)


def _standing(operate: Operate) -> dict[str, Any]:
    [standing] = [each for each in operate("pauses") if each["function"] == FUNCTION]
    return dict(standing)


def _waiting(operate: Operate) -> int:
    return int(_standing(operate)["backlog"]["count"])
