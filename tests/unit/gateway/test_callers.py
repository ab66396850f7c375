"""Who calls: by nobody's check on this machine, by Cloud Run's token, by API key."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from tests.unit.gateway.front_door import ELSEWHERE, LOOPBACK, NOTE, FrontDoor
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.events import digest
from tidegate.testing import NOON

pytestmark = pytest.mark.anyio


def token(**claims: Any) -> str:
    """An ID token as Cloud Run hands it on: without its signature."""
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).decode().rstrip("=") for each in ({}, claims)]
    return ".".join([*parts, "SIGNATURE_REMOVED_BY_GOOGLE"])


ANN = token(sub="1", email="ann@desk.example", email_verified=True)
BOB = token(sub="2", email="bob@desk.example", email_verified=True)


async def call(door: FrontDoor, address: tuple[str, int] = ELSEWHERE, **headers: str) -> Any:
    async with door.client(address) as client:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await client.post("/v1/events/note.edited", json=NOTE, headers=named)


async def principal(door: FrontDoor, address: tuple[str, int] = ELSEWHERE, **headers: str) -> str:
    """Who an accepted job is said to be of."""
    answer = await call(door, address, **headers)
    assert answer.status_code == 202, answer.text
    job = await door.jobs.jobs.read(answer.json()["id"])
    assert job is not None
    return job.principal


async def issue(door: FrontDoor, key: str, **fields: Any) -> None:
    """Keep an API key."""
    record = {"principal": "ann", "created_at": NOON, "expires_at": None, "disabled": False}
    await door.firestore.document(f"api_keys/{digest(key)}").set(record | fields)


@pytest.mark.parametrize("access", ["iam", "api_keys", "public"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_on_the_emulators_this_machine_is_not_asked(access: str, host: str) -> None:
    """Whatever the topology says of the deployed gateway."""
    assert await principal(FrontDoor(access=access), (host, 1)) == ""


@pytest.mark.parametrize(("access", "status"), [("iam", 403), ("api_keys", 401), ("public", 202)])
async def test_on_the_emulators_other_machines_are(access: str, status: int) -> None:
    """A token is worth nothing there, since nobody has checked it."""
    answer = await call(FrontDoor(access=access), Authorization=f"Bearer {ANN}")
    assert answer.status_code == status


@pytest.mark.parametrize("access", ["iam", "api_keys"])
async def test_in_the_cloud_the_address_proves_nothing(access: str) -> None:
    """Loopback is where Cloud Run's own proxy may call from."""
    assert (await call(FrontDoor(emulated=False, access=access), LOOPBACK)).status_code == 401


async def test_the_public_has_no_name() -> None:
    """Nobody is asked, whatever they bring along."""
    assert await principal(FrontDoor(emulated=False, access="public"), Authorization=f"Bearer {ANN}") == ""


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"sub": "1", "email": "ann@desk.example", "email_verified": True}, "ann@desk.example"),
        ({"sub": "1", "email": "ann@desk.example", "email_verified": False}, "1"),
        ({"sub": "1", "email": "ann@desk.example"}, "1"),
        ({"sub": "1"}, "1"),
    ],
)
async def test_iam_knows_callers_by_their_token(claims: dict[str, Any], name: str) -> None:
    """By the address if it is verified, else by the account's number."""
    door = FrontDoor(emulated=False)
    assert await principal(door, Authorization=f"Bearer {token(**claims)}") == name


async def test_the_token_that_cloud_run_checks_is_the_one_that_counts() -> None:
    """Where both headers are sent, Authorization is unchecked: anybody could write anything there."""
    door = FrontDoor(emulated=False)
    headers = {"X_Serverless_Authorization": f"bearer {ANN}", "Authorization": f"Bearer {BOB}"}
    assert await principal(door, **headers) == "ann@desk.example"
    answer = await call(door, X_Serverless_Authorization="Basic YTpi", Authorization=f"Bearer {BOB}")
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "value",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer x", "Bearer a.b.c", "Bearer a.bnVsbA.c", f"Bearer {token()}"]
    + [f"Bearer {token(sub=sub)}" for sub in (7, "", None, ["1"])],
)
async def test_without_an_id_token_nobody_is_let_in(value: str) -> None:
    """The answer says what to send."""
    answer = await call(FrontDoor(emulated=False), Authorization=value)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:tidegate:problem:unauthenticated")
    assert answer.headers["www-authenticate"].startswith('Bearer realm="tidegate"')


@pytest.mark.parametrize("header", [{"X_API_Key": "s3cret"}, {"Authorization": "Bearer s3cret"}])
async def test_a_key_names_its_holder(header: dict[str, str]) -> None:
    """In either header."""
    door = FrontDoor(emulated=False, access="api_keys")
    await issue(door, "s3cret")
    assert await principal(door, **header) == "ann"


@pytest.mark.parametrize(
    "fields", [{"disabled": True}, {"expires_at": NOON}, {"expires_at": NOON - timedelta(days=1)}, {"principal": ""}]
)
async def test_a_key_that_is_over_opens_nothing(fields: dict[str, Any]) -> None:
    """Disabled or expired is as good as unknown."""
    door = FrontDoor(emulated=False, access="api_keys")
    await issue(door, "s3cret", **fields)
    answer = await call(door, X_API_Key="s3cret")
    assert answer.status_code == 401
    assert answer.json()["detail"] == "the API key is unknown, disabled or expired"
    assert answer.headers["www-authenticate"] == 'Bearer realm="tidegate", error="invalid_token"'


@pytest.mark.parametrize("key", ["", "unknown", "k" * 513, "é"])
async def test_an_unknown_key_opens_nothing(key: str) -> None:
    """Whatever it looks like."""
    door = FrontDoor(emulated=False, access="api_keys")
    async with door.client(ELSEWHERE) as client:
        headers = {"X-API-Key": key.encode()}
        answer = await client.post("/v1/events/note.edited", json=NOTE, headers=headers)  # type: ignore[arg-type]
    assert answer.status_code == 401


async def test_a_key_is_remembered_for_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """So long it goes on after it was disabled; its expiry is kept to the second."""
    door = FrontDoor(emulated=False, access="api_keys")
    reads = count_reads(door, monkeypatch)
    await issue(door, "s3cret")
    await issue(door, "brief", expires_at=NOON + timedelta(seconds=10))
    for key in ("s3cret", "s3cret", "brief"):
        assert (await call(door, X_API_Key=key)).status_code == 202
    assert reads == [2]
    await issue(door, "s3cret", disabled=True)
    door.clock.advance(29)
    assert (await call(door, X_API_Key="brief")).status_code == 401
    assert (await call(door, X_API_Key="s3cret")).status_code == 202
    door.clock.advance(1)
    assert (await call(door, X_API_Key="s3cret")).status_code == 401


async def test_unknown_keys_are_remembered_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who tries one key again and again costs one read."""
    door = FrontDoor(emulated=False, access="api_keys")
    reads = count_reads(door, monkeypatch)
    for _ in range(3):
        assert (await call(door, X_API_Key="unknown")).status_code == 401
    assert reads == [1]


@pytest.mark.parametrize("path", ["/", "/openapi.json"])
async def test_the_description_is_for_everybody(path: str) -> None:
    """Whoever is to send a key may read how."""
    async with FrontDoor(emulated=False, access="api_keys").client(ELSEWHERE) as client:
        assert (await client.get(path)).status_code == 200


def count_reads(door: FrontDoor, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list whose only item counts the reads of API keys from now on."""
    reads = [0]
    get = MemoryDocuments.get

    def counting(documents: MemoryDocuments, path: str) -> Any:
        reads[0] += path.startswith("api_keys/")
        return get(documents, path)

    monkeypatch.setattr(MemoryDocuments, "get", counting)
    return reads
