"""`tidegate dead list` and `tidegate dead show`."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from google.cloud.firestore import AsyncClient
from pytest_mock import MockerFixture
from typer.testing import CliRunner

from tests.unit.operating import pretend
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate_ops.cli import dead

LETTER = "assess_flight." + "1f0c" * 16
PAYLOAD = b'{"line": 2, "note": "[bold]"}'
FIELDS = {
    "state": "open",
    "function": "assess_flight",
    "event_id": "e[1]",
    "event_type": "flight.reported",
    "fault": "rejected",
    "reason": "carrier is [ZZ]",
    "attempts": 3,
    "redrive": 0,
    "attributes": [{"name": "ce-id", "value": "e[1]"}],
    "bytes": len(PAYLOAD),
    "pieces": 1,
    "died_at": datetime(2013, 2, 8, 12, tzinfo=UTC),
}


@pytest.fixture
def client(mocker: MockerFixture) -> AsyncClient:
    """A database in memory, which the commands take for the project's."""
    client = memory_firestore(MemoryDocuments())
    pretend(mocker, firestore=client)
    return client


@pytest.fixture
def letter(client: AsyncClient) -> None:
    """One dead letter on file."""

    async def file() -> None:
        document = client.collection("dead_letters").document(LETTER)
        await document.set(FIELDS)
        await document.collection("payload").document("000").set({"data": PAYLOAD})

    asyncio.run(file())


def run(*arguments: str) -> str:
    result = CliRunner().invoke(dead.app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.usefixtures("client")
def test_an_empty_file_says_what_that_means() -> None:
    """Nothing died; or nothing that was asked for did."""
    assert "no event has died" in run("list")
    assert "no open dead letter of track_hour" in run("list", "--function=track_hour", "--state=open")
    assert json.loads(run("list", "--json")) == []


@pytest.mark.usefixtures("letter")
def test_letters_are_listed_with_their_reasons() -> None:
    """Under an id that `show` takes; brackets are text."""
    listing = run("list")
    assert "carrier is [ZZ]" in listing
    assert "tidegate dead show assess_flight.1f0c1f0c1f0c" in listing
    [facts] = json.loads(run("list", "--json"))
    assert (facts["id"], facts["died_at"]) == (LETTER, "2013-02-08T12:00:00.000000Z")


@pytest.mark.usefixtures("letter")
def test_a_letter_is_shown_in_full() -> None:
    """Reason, attempts, attributes, the payload in lines, and what to do next."""
    shown = run("show", "assess_flight.1f")
    for text in ("carrier is [ZZ]", "attempts", "ce-id", '  "note": "[bold]"', f"tidegate dead redrive {LETTER}"):
        assert text in shown
    facts = json.loads(run("show", "1f0c", "--json"))
    assert (facts["attempts"], facts["payload"]) == (3, PAYLOAD.decode())


@pytest.mark.usefixtures("letter")
def test_a_payload_can_be_had_as_it_is() -> None:
    """Byte for byte, for a file."""
    assert run("show", LETTER, "--payload") == PAYLOAD.decode()
