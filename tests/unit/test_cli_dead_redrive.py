"""`tidegate dead redrive` and `drop`: what they ask, say and exit with."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient
from pytest_mock import MockerFixture
from typer.testing import CliRunner, Result

from tests.unit.operating import pretend
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.errors import PublishFailed, TidegateError
from tidegate.messages import Outgoing
from tidegate_ops.cli import app, dead_redrive
from tidegate_ops.project import Project

NOW = datetime.now(UTC)
DATA = b'{"order_id": "o-1", "items": []}'


class Published:
    """A publisher that keeps what it is given, and fails for the events that it is told to."""

    def __init__(self) -> None:
        self.messages: list[Outgoing] = []
        self.failing: set[str] = set()

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        for each in messages:
            if each.attributes["ce-id"] in self.failing:
                raise PublishFailed("topic order.placed: quota")
        self.messages += messages


@pytest.fixture
def firestore() -> AsyncClient:
    """An empty store."""
    return memory_firestore(MemoryDocuments())


@pytest.fixture
def published(project: Project, firestore: AsyncClient, mocker: MockerFixture) -> Published:
    """What the commands publish; they find the store above."""
    published = Published()
    pretend(mocker, firestore=firestore, publisher=published)
    mocker.patch.object(dead_redrive.getpass, "getuser", return_value="ada")
    return published


def file(firestore: AsyncClient, name: str, **changes: Any) -> str:
    """File a letter; returns its id."""
    fields = {
        "state": "open",
        "function": "pack_order",
        "event_id": name,
        "event_type": "order.placed",
        "fault": "timeout",
        "reason": "ran longer than 30 s",
        "attempts": 5,
        "redrive": 0,
        "attributes": [],
        "bytes": len(DATA),
        "pieces": 1,
        "died_at": NOW,
    }

    async def write() -> None:
        document = firestore.collection("dead_letters").document(f"pack_order.{name}")
        await document.set(fields | changes)
        await document.collection("payload").document("000").set({"data": DATA})

    asyncio.run(write())
    return f"pack_order.{name}"


def on_file(firestore: AsyncClient, letter: str) -> dict[str, Any]:
    """A letter's document."""

    async def read() -> dict[str, Any]:
        return (await firestore.document(f"dead_letters/{letter}").get()).to_dict() or {}

    return asyncio.run(read())


def run(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["dead", *arguments], input=answer)


def test_redrive_asks_and_sends(published: Published, firestore: AsyncClient) -> None:
    """Nothing is sent before the operator has seen it and agreed."""
    letter = file(firestore, "o-1")
    refused = run("redrive", letter, answer="n\n")
    assert refused.exit_code == 1
    assert published.messages == []
    agreed = run("redrive", letter, answer="y\n")
    assert agreed.exit_code == 0
    assert letter in agreed.output
    assert "redriven 1 letter" in agreed.output
    [message] = published.messages
    assert (message.topic, message.data, message.attributes["tidegate-target"]) == ("order.placed", DATA, "pack_order")
    assert on_file(firestore, letter)["state"] == "redriven"


@pytest.mark.parametrize("command", [["redrive", "--all"], ["drop", "pack_order.o-1", "--reason", "a test"]])
def test_dry_run_changes_nothing(published: Published, firestore: AsyncClient, command: list[str]) -> None:
    """It shows what is meant without asking, and leaves it."""
    letter = file(firestore, "o-1")
    result = run(*command, "--dry-run")
    assert result.exit_code == 0
    assert "1 letter; nothing was changed" in result.output
    assert published.messages == []
    assert on_file(firestore, letter)["state"] == "open"


def test_many_go_and_failures_are_counted(published: Published, firestore: AsyncClient) -> None:
    """One that fails stops no other, is said, stays open and fails the command."""
    letters = [file(firestore, f"o-{number}") for number in range(25)]
    published.failing = {"o-3"}
    result = run("redrive", "--fault", "timeout", "--yes")
    assert result.exit_code == 1
    assert "… and 5 more" in result.output
    assert "topic order.placed: quota" in result.output
    assert "redriven 24 letters" in result.output
    assert [each for each in letters if on_file(firestore, each)["state"] == "open"] == ["pack_order.o-3"]


def test_refused_letters_keep_no_other_back(published: Published, firestore: AsyncClient) -> None:
    """What cannot be redriven is said, fails the command, and the rest goes."""
    file(firestore, "o-1", function="pack_parcel")
    file(firestore, "o-2")
    result = run("redrive", "--all", "--yes")
    assert result.exit_code == 1
    assert "pack_parcel, which is not in topology.yaml" in result.output
    assert [each.attributes["ce-id"] for each in published.messages] == ["o-2"]


def test_nothing_to_do(published: Published) -> None:
    """An empty selection is no error."""
    result = run("redrive", "--all")
    assert result.exit_code == 0
    assert "no open letter to redrive" in result.output


def test_edited_payload_is_sent(published: Published, firestore: AsyncClient, mocker: MockerFixture) -> None:
    """What the operator leaves in the editor is what goes back."""
    letter = file(firestore, "o-1")

    def edit(path: Any) -> None:
        path.write_text('{"order_id": "o-1", "items": ["lamp"]}')

    mocker.patch.object(dead_redrive, "open_editor", edit)
    assert run("redrive", letter, "--edit", "--yes").exit_code == 0
    assert [message.data for message in published.messages] == [b'{"order_id":"o-1","items":["lamp"]}']


def test_only_one_letter_is_edited(published: Published, firestore: AsyncClient) -> None:
    """An edit is for one payload."""
    file(firestore, "o-1")
    file(firestore, "o-2")
    assert "2 are meant" in _error(run("redrive", "--all", "--edit", "--yes"))


def test_drop_keeps_reason_and_payload(published: Published, firestore: AsyncClient) -> None:
    """A dropped letter says why and who, and what it held stays."""
    letter = file(firestore, "o-1")
    result = run("drop", letter, "--reason", "test data", "--yes")
    assert result.exit_code == 0
    fields = on_file(firestore, letter)
    assert (fields["state"], fields["drop_reason"], fields["settled_by"]) == ("dropped", "test data", "ada")
    assert fields["settled_at"] is not None
    assert on_file(firestore, f"{letter}/payload/000") == {"data": DATA}
    assert "is dropped already" in _error(run("redrive", letter))


def test_drop_wants_a_reason(published: Published) -> None:
    """Nobody drops work without saying why."""
    assert run("drop", "a").exit_code == 2
    assert "--reason is empty" in _error(run("drop", "a", "--reason", " "))


def _error(result: Result) -> str:
    """The message that `tidegate` would print."""
    assert isinstance(result.exception, TidegateError)
    return str(result.exception)
