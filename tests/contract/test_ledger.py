"""What every ledger promises (`tidegate.ports.Ledger`), in memory and on the emulator alike."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from google.cloud import firestore
from google.cloud.firestore import AsyncClient

from tests.contract.claims import NOON, claim
from tests.contract.conftest import Store
from tidegate.errors import WriteConflict, WriteRefused
from tidegate.messages import Outgoing
from tidegate.ports import Ledger
from tidegate.records import Failure, Fault, Record, Status

pytestmark = pytest.mark.anyio

Name = Callable[[], str]

FULL = claim(
    status=Status.FAILED,
    redrive=2,
    steps={"book": '{"ok":true}', "a.b/c d`é": "null", "1": '""'},
    outbox=(
        Outgoing("passengers.rebooked", '{"name":"Zoë"}'.encode(), {"ce-id": "x"}, key="UA1"),
        Outgoing("passengers.rebooked", b"\xff\x00"),
        Outgoing("passengers.rebooked", b""),
    ),
    published=True,
    result='{"seats":3}',
    error=Failure(Fault.TIMEOUT, "took longer than 60 s", "Traceback …"),
)


@pytest.fixture
def client(store: Store) -> AsyncClient:
    """The official client on the ledger's own documents."""
    return store.client


async def test_absent_record_reads_as_none(ledger: Ledger, name: Name) -> None:
    """A key that nobody wrote has no record."""
    assert await ledger.read(name()) is None


@pytest.mark.parametrize("written", [claim(), FULL], ids=["plain", "full"])
async def test_record_round_trip(ledger: Ledger, name: Name, written: Record) -> None:
    """A record reads back equal, with the version that its write returned."""
    key = name()
    version = (await ledger.write(key, written, None)).version
    stored = await ledger.read(key)
    assert stored is not None
    assert stored.record == written
    assert stored.version == version
    assert type(stored.record.lease_until) is datetime


async def test_times_of_other_zones_keep_their_moment(ledger: Ledger, name: Name) -> None:
    """Times are stored in UTC, whatever zone they came in."""
    key = name()
    await ledger.write(key, claim(lease_until=NOON.astimezone(timezone(timedelta(hours=-5)))), None)
    stored = await ledger.read(key)
    assert stored is not None
    assert stored.record.lease_until == NOON
    assert stored.record.lease_until.utcoffset() == timedelta(0)


async def test_second_create_conflicts(ledger: Ledger, name: Name) -> None:
    """A record is created once; the second create leaves the first one's."""
    key = name()
    await ledger.write(key, claim(owner="first"), None)
    with pytest.raises(WriteConflict):
        await ledger.write(key, claim(owner="second"), None)
    assert await owner_of(ledger, key) == "first"


async def test_concurrent_creates_have_one_winner(ledger: Ledger, name: Name) -> None:
    """Of many creates at once, one stands, and it is the one that was told so."""
    key = name()
    owners = [f"worker-{number}" for number in range(10)]
    outcomes = await asyncio.gather(
        *(ledger.write(key, claim(owner=owner), None) for owner in owners), return_exceptions=True
    )
    winners = [owner for owner, each in zip(owners, outcomes, strict=True) if not isinstance(each, Exception)]
    assert [type(each) for each in outcomes if isinstance(each, Exception)] == [WriteConflict] * 9
    assert winners == [await owner_of(ledger, key)]


async def test_update_at_the_expected_version(ledger: Ledger, name: Name) -> None:
    """A write at the current version replaces the whole record."""
    key = name()
    version = (await ledger.write(key, FULL, None)).version
    newer = (await ledger.write(key, claim(owner="second"), version)).version
    stored = await ledger.read(key)
    assert stored is not None
    assert stored.record == claim(owner="second")
    assert stored.version == newer != version


async def test_version_that_was_read_guards_a_write(ledger: Ledger, name: Name) -> None:
    """The version from a read is as good as that from a write."""
    key = name()
    await ledger.write(key, claim(), None)
    stored = await ledger.read(key)
    assert stored is not None
    await ledger.write(key, claim(owner="second"), stored.version)
    assert await owner_of(ledger, key) == "second"


async def test_stale_version_conflicts(ledger: Ledger, name: Name) -> None:
    """A writer that somebody overtook cannot write, and nothing changes."""
    key = name()
    stale = (await ledger.write(key, claim(), None)).version
    await ledger.write(key, claim(owner="second"), stale)
    with pytest.raises(WriteConflict):
        await ledger.write(key, claim(owner="third"), stale)
    assert await owner_of(ledger, key) == "second"


async def test_update_of_a_forgotten_record_conflicts(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """A record that is gone is not brought back by a guarded write."""
    key = name()
    version = (await ledger.write(key, claim(), None)).version
    await client.collection("ledger").document(key).delete()
    with pytest.raises(WriteConflict):
        await ledger.write(key, claim(owner="second"), version)
    assert await ledger.read(key) is None


async def test_batch_stands_with_the_record(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """The batch's writes and the record's are one commit; counts add up over commits."""
    key, hour = name(), client.collection(name()).document("hour")
    version = None
    for owner in ("first", "second", "third"):
        batch = client.batch()
        batch.set(hour, {"flights": firestore.Increment(2)}, merge=True)
        version = (await ledger.write(key, claim(owner=owner), version, batch)).version
    assert (await hour.get()).to_dict() == {"flights": 6}
    assert await owner_of(ledger, key) == "third"


async def test_batch_falls_with_the_record(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """When the record's guard does not hold, nothing of the batch stands."""
    key, note = name(), client.collection(name()).document("note")
    await ledger.write(key, claim(), None)
    batch = client.batch()
    batch.set(note, {"text": "lost"})
    with pytest.raises(WriteConflict):
        await ledger.write(key, claim(owner="second"), None, batch)
    assert not (await note.get()).exists


async def test_record_falls_with_the_batch(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """When a precondition inside the batch does not hold, the record does not stand either."""
    notes = client.collection(name())
    await notes.document("old").set({"text": "here"})
    stale = client.write_option(last_update_time=NOON)
    for refuse in (
        lambda batch: batch.create(notes.document("old"), {"text": "again"}),
        lambda batch: batch.update(notes.document("none"), {"text": "new"}),
        lambda batch: batch.update(notes.document("old"), {"text": "new"}, stale),
    ):
        key, batch = name(), client.batch()
        batch.set(notes.document("other"), {"text": "lost"})
        refuse(batch)
        with pytest.raises(WriteConflict):
            await ledger.write(key, claim(), None, batch)
        assert await ledger.read(key) is None
    assert [each.id async for each in notes.stream()] == ["old"]


async def test_batch_is_left_as_it_was(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """The same batch can be handed over again, after a conflict and after a success."""
    key, hour = name(), client.collection(name()).document("hour")
    stale = (await ledger.write(key, claim(), None)).version
    version = (await ledger.write(key, claim(owner="second"), stale)).version
    batch = client.batch()
    batch.set(hour, {"flights": firestore.Increment(1)}, merge=True)
    with pytest.raises(WriteConflict):
        await ledger.write(key, claim(owner="third"), stale, batch)
    version = (await ledger.write(key, claim(owner="third"), version, batch)).version
    await ledger.write(key, claim(owner="fourth"), version, batch)
    assert len(batch) == 1
    assert (await hour.get()).to_dict() == {"flights": 2}


async def test_empty_batch_is_no_batch(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """A handler that never wrote into its batch does not disturb the commit."""
    key = name()
    await ledger.write(key, claim(), None, client.batch())
    assert await owner_of(ledger, key) == "first"


async def test_large_outbox_is_compressed(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """A fan-out whose JSON exceeds a document's limit many times over still fits, and reads back."""
    key = name()
    outbox = tuple(
        Outgoing("flight.reported", b'{"carrier":"UA","number":%d}' % number + b" " * 400, {"ce-id": f"{number:032x}"})
        for number in range(5000)
    )
    await ledger.write(key, claim(outbox=outbox), None)
    stored = await ledger.read(key)
    assert stored is not None
    assert stored.record.outbox == outbox
    snapshot = await client.collection("ledger").document(key).get()
    assert isinstance(snapshot.get("outbox"), bytes)


@pytest.mark.parametrize(
    "changes",
    [
        {"result": "x" * 1_100_000},
        {"result": "x" * 1_040_000, "steps": {"one": "y" * 30_000}},
        {"steps": {"__reserved__": "null"}},
        {"steps": {"": "null"}},
        {"owner": "half a pair: \ud800"},
        {"lease_until": datetime(2013, 2, 8)},  # noqa: DTZ001 - naive on purpose
    ],
    ids=["large field", "large document", "reserved name", "empty name", "surrogate", "naive time"],
)
async def test_impossible_record_is_refused(ledger: Ledger, name: Name, changes: dict[str, Any]) -> None:
    """What the store will never take is refused, on create and on update, and changes nothing."""
    key = name()
    with pytest.raises(WriteRefused):
        await ledger.write(key, claim(**changes), None)
    assert await ledger.read(key) is None
    version = (await ledger.write(key, claim(owner="second"), None)).version
    with pytest.raises(WriteRefused):
        await ledger.write(key, claim(**changes), version)
    assert await owner_of(ledger, key) == "second"


async def test_impossible_batch_is_refused(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """A batch that the store will never take is refused with the record."""
    key, batch = name(), client.batch()
    batch.set(client.collection(name()).document("large"), {"text": "x" * 1_100_000})
    with pytest.raises(WriteRefused):
        await ledger.write(key, claim(), None, batch)
    assert await ledger.read(key) is None


async def owner_of(ledger: Ledger, key: str) -> str:
    """Who owns the record that is there."""
    stored = await ledger.read(key)
    assert stored is not None
    return stored.record.owner
