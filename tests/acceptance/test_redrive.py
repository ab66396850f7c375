"""Dead letters go back where they failed, over the emulators and real processes."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.acceptance.application import Application, event_attributes, running
from tests.acceptance.delivery_log import eventually
from tidegate.events import child_id
from tidegate_ops.cli import app

_HERE = Path(__file__).parent
_REPOSITORY = _HERE.parents[1]
_UNWANTED = shutil.ignore_patterns("__pycache__", ".*", "schemas")
ONCE = {"times": 1}


@pytest.fixture(scope="module")
def stamp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file without which nothing is cleared."""
    return tmp_path_factory.mktemp("office") / "stamp"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The customs office beside these tests, with this runtime and the real function for dead letters."""
    root = tmp_path_factory.mktemp("customs") / "project"
    shutil.copytree(_HERE / "customs", root, ignore=_UNWANTED)
    for part in ("infra/tidegate", "functions/dead_letters"):
        shutil.copytree(_REPOSITORY / part, root / part, ignore=_UNWANTED)
    return root


@pytest.fixture(scope="module")
def customs(emulators_installed: None, root: Path, stamp: Path) -> Iterator[Application]:
    """The customs office at work; use cargo of the test's own."""
    with running(root, {"CUSTOMS_STAMP": str(stamp)}) as application:
        yield application


@pytest.fixture(autouse=True)
def _in_the_project(root: Path, stamp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator works in the project's folder, and finds the stack that runs; the stamp is broken."""
    monkeypatch.chdir(root)
    for name in ("PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    stamp.unlink(missing_ok=True)


def operate(*arguments: str) -> str:
    """Run one command that succeeds; returns what it says."""
    result = CliRunner().invoke(app, ["dead", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_mended_event_is_done_once(customs: Application, stamp: Path) -> None:
    """Dead, mended, redriven: done once; who had handled the event already never runs it again."""
    event = customs.emit("cargo.declared", {"cargo": "tea"})
    customs.log.wait_delivery(function="register_cargo", event_id=event, verdict="done")
    dead = customs.log.wait_delivery(function="clear_cargo", event_id=event, verdict="dead")
    customs.wait_letter(dead)
    stamp.touch()
    assert "1 letter; nothing was changed" in operate("redrive", "--function", "clear_cargo", "--dry-run")
    assert "redriven 1 letter" in operate("redrive", "--reason-contains", "stamp", "--yes")
    customs.log.wait_delivery(function="clear_cargo", event_id=event, verdict="done")
    # The emulator stores the subscription's filter without applying it, so the runtime's own check is seen.
    customs.log.wait_delivery(function="register_cargo", event_id=event, verdict="filtered")
    assert eventually(lambda: customs.document("released/tea")) == ONCE
    assert customs.document("cleared/tea") == ONCE
    assert customs.document("registered/tea") == ONCE
    assert [each["state"] for each in customs.documents("dead_letters").values() if each["event_id"] == event] == [
        "redriven"
    ]
    assert "no open letter to redrive" in operate("redrive", "--all")


def test_plain_message_is_redriven_as_the_same_event(customs: Application, stamp: Path) -> None:
    """A message without ce- attributes has one record before and after, though its message id differs."""
    event = customs.publish("cargo.declared", b'{"cargo": "salt"}', {})
    dead = customs.log.wait_delivery(function="clear_cargo", event_id=event, verdict="dead")
    customs.wait_letter(dead)
    stamp.touch()
    operate("redrive", "--all", "--yes")
    done = customs.log.wait_delivery(function="clear_cargo", event_id=event, verdict="done")
    assert done["message_id"] != event
    assert customs.document("cleared/salt") == ONCE


def test_dropped_letter_stays_dead(customs: Application) -> None:
    """A dropped letter keeps what it held, and why it was given up."""
    event = customs.emit("cargo.declared", {"cargo": "rum"})
    customs.wait_letter(customs.log.wait_delivery(function="clear_cargo", event_id=event, verdict="dead"))
    [letter] = [key for key, each in customs.documents("dead_letters").items() if each["event_id"] == event]
    operate("drop", letter, "--reason", "contraband", "--yes")
    assert "no open letter to redrive" in operate("redrive", "--all")
    fields = customs.document(f"dead_letters/{letter}") or {}
    assert (fields["state"], fields["drop_reason"]) == ("dropped", "contraband")
    [filed] = customs.letters(event_id=event)
    assert json.loads(filed.data) == {"cargo": "rum"}


def test_done_event_from_the_backstop_only_resumes(customs: Application, stamp: Path) -> None:
    """An event that Pub/Sub gave up on after its effects were committed owes its outbox, and nothing else."""
    stamp.touch()
    attributes, data = event_attributes("cargo.declared"), b'{"cargo": "silk"}'
    event = attributes["ce-id"]
    customs.publish("cargo.declared", data, attributes)
    customs.log.wait_delivery(function="clear_cargo", event_id=event, verdict="done")
    child = child_id("clear_cargo", event, 0)
    customs.log.wait_delivery(function="release_cargo", event_id=child, verdict="done")
    filed = len(customs.log.deliveries(function="dead_letters", verdict="done"))
    given_up = {
        "CloudPubSubDeadLetterSourceSubscription": "clear-cargo",
        "CloudPubSubDeadLetterSourceDeliveryCount": "100",
    }
    customs.publish("dead.letters", data, {**attributes, **given_up})
    customs.log.wait_for(lambda _: len(customs.log.deliveries(function="dead_letters", verdict="done")) > filed)
    customs.log.wait_delivery(function="release_cargo", event_id=child, verdict="duplicate")
    assert len(customs.log.deliveries(function="clear_cargo", event_id=event)) == 1
    assert customs.document("released/silk") == ONCE
    assert customs.letters(event_id=event) == []
