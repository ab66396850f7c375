"""Records that outgrow one document, in memory and on the emulator alike; see `record_pieces`."""

import dataclasses
import random
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from google.api_core.exceptions import AlreadyExists
from google.cloud.firestore import AsyncClient

from tests.contract.claims import claim
from tests.contract.conftest import PROJECT, Store
from tests.contract.rpc_counter import RpcCounter, counted_firestore
from tidegate.adapters.firestore_ledger import FirestoreLedger
from tidegate.adapters.firestore_wire import wire_of
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.record_document import LEDGER
from tidegate.adapters.record_pieces import PIECES
from tidegate.errors import StoreUnavailable, WriteConflict, WriteRefused
from tidegate.messages import Outgoing
from tidegate.ports import Ledger
from tidegate.records import Record, Status

pytestmark = pytest.mark.anyio

Name = Callable[[], str]
PLAIN = claim(function="split_manifest")


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that do not compress."""
    return random.Random(seed).randbytes(size)


def outbox(messages: int, size: int, seed: int = 1) -> tuple[Outgoing, ...]:
    """Messages whose data does not compress; in the record they take a few percent more than their bytes."""
    return tuple(
        Outgoing("flight.reported", noise(size, seed + number), {"ce-id": str(number)}) for number in range(messages)
    )


LARGE = dataclasses.replace(PLAIN, status=Status.DONE, outbox=outbox(16, 100_000))
STEPPED = dataclasses.replace(PLAIN, steps={f"step {each}": f'"{noise(400_000, each).hex()}"' for each in range(4)})
BOTH = dataclasses.replace(LARGE, steps=STEPPED.steps, published=True, result='{"rows":16}')


@pytest.fixture
def client(store: Store) -> AsyncClient:
    """The official client on the ledger's own documents."""
    return store.client


async def pieces(client: AsyncClient, key: str) -> dict[str, dict[str, Any]]:
    """The pieces that are there, by name."""
    stream = client.collection(LEDGER).document(key).collection(PIECES).stream()
    return {each.id: each.to_dict() async for each in stream}


async def stored(ledger: Ledger, key: str) -> Record:
    """The record that is there."""
    found = await ledger.read(key)
    assert found is not None
    return found.record


@pytest.mark.parametrize("record", [LARGE, STEPPED, BOTH], ids=["outbox", "steps", "both"])
async def test_large_record_round_trip(ledger: Ledger, client: AsyncClient, name: Name, record: Record) -> None:
    """A record of several documents reads back equal, with the version that its write returned."""
    key = name()
    version = (await ledger.write(key, record, None)).version
    found = await ledger.read(key)
    assert found is not None
    assert found.record == record
    assert found.version == version
    assert len(await pieces(client, key)) >= 2


async def test_what_fits_stays_one_document(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """As long as compression is enough, there are no pieces."""
    key = name()
    record = dataclasses.replace(PLAIN, outbox=outbox(9, 100_000), steps={"one": '"' + "x" * 2_000_000 + '"'})
    await ledger.write(key, record, None)
    assert await stored(ledger, key) == record
    assert await pieces(client, key) == {}


async def test_pieces_outlive_their_record(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """Each piece expires, later than the record, also after the record's expiry has moved."""
    key = name()
    version = (await ledger.write(key, LARGE, None)).version
    later = dataclasses.replace(LARGE, expire_at=LARGE.expire_at + timedelta(days=10))
    await ledger.write(key, later, version)
    assert {each["expire_at"] for each in (await pieces(client, key)).values()} == {later.expire_at + timedelta(days=7)}


async def test_rewrite_leaves_no_old_pieces(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """A rewrite keeps the pieces that stay as they are, and removes the others with its own commit."""
    key = name()
    version = (await ledger.write(key, STEPPED, None)).version
    of_steps = set(await pieces(client, key))
    version = (await ledger.write(key, BOTH, version)).version
    assert of_steps < set(await pieces(client, key))
    version = (
        await ledger.write(key, dataclasses.replace(LARGE, outbox=outbox(16, 100_000, seed=99)), version)
    ).version
    assert not of_steps & set(await pieces(client, key))
    await ledger.write(key, PLAIN, version)
    assert await stored(ledger, key) == PLAIN
    assert await pieces(client, key) == {}


async def test_version_that_was_read_knows_the_pieces(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """A takeover, which has only read the record, cleans up just the same."""
    key = name()
    await ledger.write(key, LARGE, None)
    found = await ledger.read(key)
    assert found is not None
    await ledger.write(key, PLAIN, found.version)
    assert await pieces(client, key) == {}


async def test_refused_rewrite_touches_no_piece(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """The guard holds for the pieces too: who was overtaken neither adds nor removes any."""
    key = name()
    stale = (await ledger.write(key, LARGE, None)).version
    await ledger.write(key, dataclasses.replace(LARGE, owner="second"), stale)
    before = await pieces(client, key)
    for record, expected in ((PLAIN, stale), (BOTH, stale), (STEPPED, None)):
        with pytest.raises(WriteConflict):
            await ledger.write(key, record, expected)
    assert await pieces(client, key) == before
    assert (await stored(ledger, key)).owner == "second"


async def test_pieces_fall_with_the_batch(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """When the handler's own precondition does not hold, no piece stands."""
    key, note = name(), client.collection(name()).document("note")
    await note.set({})
    batch = client.batch()
    batch.create(note, {})
    with pytest.raises(WriteConflict):
        await ledger.write(key, LARGE, None, batch)
    assert await pieces(client, key) == {}
    with pytest.raises(AlreadyExists):
        await note.create({})


async def test_too_much_for_one_commit_is_refused(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """Above the commit's limit the refusal says what to do, and the record is as before."""
    key = name()
    version = (await ledger.write(key, PLAIN, None)).version
    with pytest.raises(WriteRefused, match=r"fan out in two stages.*keep large step results elsewhere"):
        await ledger.write(key, dataclasses.replace(PLAIN, outbox=outbox(11, 1_000_000)), version)
    assert await stored(ledger, key) == PLAIN
    assert await pieces(client, key) == {}


async def test_batch_counts_towards_the_limit(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """What fits alone may be too much together with the handler's own writes."""
    key, batch, blobs = name(), client.batch(), client.collection(name())
    for number in range(10):
        batch.set(blobs.document(str(number)), {"blob": noise(1_000_000)})
    with pytest.raises(WriteRefused, match=r"ctx\.batch"):
        await ledger.write(key, LARGE, None, batch)
    assert await ledger.read(key) is None
    assert [each.id async for each in blobs.stream()] == []


async def test_missing_piece_is_no_record(ledger: Ledger, client: AsyncClient, name: Name) -> None:
    """A record that somebody took pieces from is never taken for another one, or for none."""
    key = name()
    await ledger.write(key, LARGE, None)
    [piece, *_] = await pieces(client, key)
    await client.collection(LEDGER).document(key).collection(PIECES).document(piece).delete()
    with pytest.raises(StoreUnavailable, match="somebody deleted"):
        await ledger.read(key)


class Overtaken(FirestoreLedger):
    """A reader that another writer overtakes between the record's own document and its pieces."""

    def __init__(self, client: AsyncClient, rewrites: list[Callable[[], Any]]) -> None:
        super().__init__(client)
        self._rewrites = rewrites

    async def _pieces(self, *arguments: Any) -> dict[str, dict[str, Any]]:
        if self._rewrites:
            await self._rewrites.pop(0)()
        return await super()._pieces(*arguments)


@pytest.mark.parametrize("last", [PLAIN, BOTH], ids=["to one document", "to other pieces"])
async def test_overtaken_reader_reads_again(last: Record) -> None:
    """A reader gets one version or the other, whole, never parts of both."""
    client = memory_firestore(MemoryDocuments())
    writer = FirestoreLedger(wire_of(client))
    versions = [(await writer.write("a.key", STEPPED, None)).version]

    async def rewrite(record: Record) -> None:
        versions.append((await writer.write("a.key", record, versions[-1])).version)

    other = dataclasses.replace(LARGE, outbox=outbox(16, 100_000, seed=99))
    reader = Overtaken(wire_of(client), [lambda: rewrite(other), lambda: rewrite(last)])
    found = await reader.read("a.key")
    assert found is not None
    assert found.record == last
    assert found.version == versions[-1]


@pytest.fixture
async def counted(firestore_emulator: Any) -> AsyncIterator[tuple[AsyncClient, RpcCounter]]:
    """A client of the emulator, and the counter of its calls."""
    counter = RpcCounter()
    client = counted_firestore(firestore_emulator.host, PROJECT, counter)
    yield client, counter
    await client._firestore_api.transport.close()


async def test_calls_of_a_large_record(counted: tuple[AsyncClient, RpcCounter], name: Name) -> None:
    """One commit writes all documents, and a mark on an unchanged outbox is a write of one alone."""
    client, counter = counted
    ledger, key = FirestoreLedger(wire_of(client)), name()
    version = (await ledger.write(key, LARGE, None)).version
    assert counter == RpcCounter(commits=1, writes=3)
    counter.reset()
    await ledger.write(key, dataclasses.replace(LARGE, published=True), version)
    assert counter == RpcCounter(batch_writes=1, writes=1)
    counter.reset()
    await ledger.read(key)
    assert counter == RpcCounter(gets=2, reads=3)


async def test_emulator_takes_what_is_not_refused(emulator_client: AsyncClient, name: Name) -> None:
    """The limit on the emulator, 4 MiB a request, is met before the request is sent, and not too early."""
    ledger, key = FirestoreLedger(wire_of(emulator_client)), name()
    record = dataclasses.replace(PLAIN, outbox=(Outgoing("flight.reported", noise(4_100_000)),))
    await ledger.write(key, record, None)
    assert await stored(ledger, key) == record
    with pytest.raises(WriteRefused, match="4,194,304"):
        await ledger.write(name(), dataclasses.replace(PLAIN, outbox=outbox(1, 4_200_000)), None)
