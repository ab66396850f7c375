"""What every store of lanes promises (`tidegate.ports.Lanes`): on the memory store and on the emulator."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient

from tests.contract.claims import NOON, claim
from tests.contract.conftest import Store
from tidegate.adapters.firestore_lanes import FirestoreLanes
from tidegate.errors import WriteConflict
from tidegate.lanes import Burst, Held, Lane, Paced
from tidegate.ports import Ledger, StoredLane
from tidegate.records import Status

pytestmark = pytest.mark.anyio

Name = Callable[[], str]

HELD = Held("first", NOON)
LANES = [
    HELD,
    Paced(NOON + timedelta(microseconds=1)),
    Burst("e", NOON, NOON, NOON, NOON, NOON, NOON),
    Burst("e", NOON, *(NOON + timedelta(seconds=each) for each in range(3)), None, NOON + timedelta(days=45)),
]


@pytest.fixture
def client(store: Store) -> AsyncClient:
    """The official client on the ledger's own documents."""
    return store.client


@pytest.fixture
def lanes(client: AsyncClient) -> FirestoreLanes:
    """The adapter under test."""
    return FirestoreLanes(client)


async def stored(lanes: FirestoreLanes, key: str) -> StoredLane:
    found = await lanes.read(key)
    assert found is not None
    return found


async def test_an_unused_lane_is_not_there(lanes: FirestoreLanes, name: Name) -> None:
    """Keys that nobody has used leave no trace."""
    assert await lanes.read(name()) is None


@pytest.mark.parametrize("lane", LANES, ids=lambda lane: type(lane).__name__)
async def test_a_lane_is_read_as_it_was_written(
    lanes: FirestoreLanes, client: AsyncClient, name: Name, lane: Lane
) -> None:
    """To the microsecond, over whatever kind of lane was there before; and it says when it may go."""
    key = name()
    for before in LANES:
        found = await lanes.read(key)
        await lanes.write(key, before, found.version if found else None)
    await lanes.write(key, lane, (await stored(lanes, key)).version)
    assert (await stored(lanes, key)).lane == lane
    fields = (await client.document(f"lanes/{key}").get()).to_dict()
    assert fields is not None
    assert fields["expire_at"] == lane.expire_at


async def test_many_that_write_it_at_once_write_once(lanes: FirestoreLanes, name: Name) -> None:
    """The first write stands, and the others are told that theirs does not."""
    key = name()
    mine = [Held(str(number), NOON) for number in range(8)]
    ends = await asyncio.gather(*(lanes.write(key, each, None) for each in mine), return_exceptions=True)
    [winner] = [each for each, end in zip(mine, ends, strict=True) if not isinstance(end, Exception)]
    assert sum(isinstance(end, WriteConflict) for end in ends) == len(mine) - 1
    assert (await stored(lanes, key)).lane == winner


async def test_a_place_stands_with_its_claim(ledger: Ledger, lanes: FirestoreLanes, name: Name) -> None:
    """The ledger's answer holds the version that frees it."""
    key, lane = name(), name()
    written = await ledger.write(key, claim(), None, lanes.joined(None, lane, HELD, None))
    assert written.beside[-1] == (await stored(lanes, lane)).version
    done = claim(status=Status.DONE)
    freed = await ledger.write(key, done, written.version, lanes.joined(None, lane, None, written.beside[-1]))
    assert freed.beside == (None,)
    assert await lanes.read(lane) is None


async def test_the_lane_is_the_last_of_the_batch(
    ledger: Ledger, lanes: FirestoreLanes, client: AsyncClient, name: Name
) -> None:
    """Whatever else is written with it, and however large the record is; the batch given stays as it was."""
    key, lane = name(), name()
    batch = client.batch()
    batch.set(client.document(f"parcels/{name()}"), {"n": 1})
    large: dict[str, Any] = {"steps": {str(number): '"' + "é" * 200_000 + '"' for number in range(4)}}
    written = await ledger.write(key, claim(**large), None, lanes.joined(batch, lane, HELD, None))
    assert len(batch) == 1
    assert len(written.beside) == 2
    assert written.beside[-1] == (await stored(lanes, lane)).version


@pytest.mark.parametrize("taken", [Held("second", NOON), None], ids=["by another", "and forgotten"])
async def test_a_place_that_was_taken_is_not_freed(
    ledger: Ledger, lanes: FirestoreLanes, client: AsyncClient, name: Name, taken: Lane | None
) -> None:
    """Nothing of the commit stands, although the record is still one's own."""
    key, lane = name(), name()
    written = await ledger.write(key, claim(), None, lanes.joined(None, lane, HELD, None))
    place = (await stored(lanes, lane)).version
    if taken:
        await lanes.write(lane, taken, place)
    else:
        await client.document(f"lanes/{lane}").delete()
    done = claim(status=Status.DONE)
    with pytest.raises(WriteConflict):
        await ledger.write(key, done, written.version, lanes.joined(None, lane, None, place))
    found, record = await lanes.read(lane), await ledger.read(key)
    assert (found.lane if found else None) == taken
    assert record is not None
    assert record.record == claim()


async def test_a_place_that_is_taken_refuses_the_claim(ledger: Ledger, lanes: FirestoreLanes, name: Name) -> None:
    """No record is left of it."""
    key, lane = name(), name()
    await lanes.write(lane, HELD, None)
    with pytest.raises(WriteConflict):
        await ledger.write(key, claim(), None, lanes.joined(None, lane, Held("second", NOON), None))
    assert await ledger.read(key) is None
