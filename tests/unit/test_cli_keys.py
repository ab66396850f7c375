"""`tidegate keys`, and that the gateway knows the keys that it makes."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient
from pytest_mock import MockerFixture
from typer.testing import CliRunner

from tests.unit.gateway.front_door import ELSEWHERE, NOTE, FrontDoor
from tests.unit.operating import pretend
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.errors import ConfigurationError
from tidegate.events import digest
from tidegate.testing import NOON
from tidegate_ops.cli import keys
from tidegate_ops.key_file import KeyChanged, KeyFile


@pytest.fixture
def client(mocker: MockerFixture) -> AsyncClient:
    """A database in memory, which the commands take for the project's."""
    client = memory_firestore(MemoryDocuments())
    pretend(mocker, firestore=client)
    mocker.patch.object(keys, "system_clock", return_value=NOON)
    return client


def run(*arguments: str) -> str:
    result = CliRunner().invoke(keys.app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def listed() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("list", "--json"))
    return found


def test_the_gateway_knows_a_key_that_was_made_until_it_is_disabled(mocker: MockerFixture) -> None:
    """Its holder is let in with what stood on standard output."""
    door = FrontDoor(emulated=False, access="api_keys")
    pretend(mocker, firestore=door.firestore)
    mocker.patch.object(keys, "system_clock", return_value=NOON)
    key = run("add", "ann@desk.example").strip()
    assert asyncio.run(status(door, key)) == 202
    run("disable", digest(key)[:8])
    door.clock.advance(30)
    assert asyncio.run(status(door, key)) == 401


async def status(door: FrontDoor, key: str) -> int:
    async with door.client(ELSEWHERE) as caller:
        return int((await caller.post("/v1/events/note.edited", json=NOTE, headers={"X-API-Key": key})).status_code)


@pytest.mark.usefixtures("client")
def test_a_key_is_shown_once() -> None:
    """Alone on standard output, as long as 32 random bytes are; the list has only its hash."""
    key, other = (run("add", "ann[1]", "--expires-in=90").removesuffix("\n") for _ in range(2))
    assert key != other
    assert len(key) == 43
    assert key.strip() == key
    listing = run("list")
    assert "ann[1]" in listing
    assert digest(key)[:12] in listing
    assert key not in listing
    [facts] = [each for each in listed() if each["id"] == digest(key)]
    assert facts == {
        "id": digest(key),
        "principal": "ann[1]",
        "state": "active",
        "created_at": "2013-02-08T12:00:00.000000Z",
        "expires_at": "2013-05-09T12:00:00.000000Z",
    }


@pytest.mark.usefixtures("client")
def test_a_dry_run_changes_nothing() -> None:
    """It says what would be done, and prints no key."""
    assert run("add", "ann", "--dry-run") == ""
    assert "there are no API keys" in run("list")
    name = digest(run("add", "ann").strip())
    assert run("disable", name, "--dry-run") == f"would disable key {name[:12]} of ann; nothing was changed\n"
    assert [each["state"] for each in listed()] == ["active"]


def test_what_is_over_says_so(client: AsyncClient, mocker: MockerFixture) -> None:
    """Expired after its days, disabled from then on; again it is no error."""
    name = digest(run("add", "ann", "--expires-in=1").strip())
    mocker.patch.object(keys, "system_clock", return_value=NOON + timedelta(days=1))
    assert [each["state"] for each in listed()] == ["expired"]
    assert run("disable", name[:6]) == f"disabled key {name[:12]} of ann\n"
    assert run("disable", name[:6]) == f"key {name[:12]} of ann was disabled already\n"
    assert [each["state"] for each in listed()] == ["disabled"]


def test_a_prefix_must_name_one_key(client: AsyncClient) -> None:
    """Neither none nor several; what is no id finds nothing."""

    async def file() -> None:
        for name in ("1f0a", "1f0b"):
            fields = {"principal": "ann", "created_at": NOON, "expires_at": None, "disabled": False}
            await client.document(f"api_keys/{name}").set(fields)
        await KeyFile(client).find("1f0a")
        with pytest.raises(ConfigurationError, match="several API keys, write more of it: 1f0a, 1f0b"):
            await KeyFile(client).find("1f")
        for unknown in ("2", "", "a/b", "1F"):
            with pytest.raises(ConfigurationError, match="there is no API key"):
                await KeyFile(client).find(unknown)

    asyncio.run(file())


def test_a_key_that_changed_meanwhile_is_left_alone(client: AsyncClient) -> None:
    """The one that was read is the one that is disabled, or none is."""

    async def race() -> None:
        file = KeyFile(client)
        found = await file.find(digest(await file.add("ann", NOON, None)))
        await file.disable(found)
        with pytest.raises(KeyChanged, match="look, and try again"):
            await file.disable(found)

    asyncio.run(race())


@pytest.mark.usefixtures("client")
def test_a_key_has_a_holder() -> None:
    """The gateway lets nobody in who has no name."""
    with pytest.raises(ConfigurationError, match="the principal is empty"):
        run("add", " ")
