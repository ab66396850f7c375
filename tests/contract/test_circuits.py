"""Circuits in Firestore: on the memory client and on the emulator."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from google.cloud.firestore import AsyncClient

from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.breakers import Circuit
from tidegate.errors import WriteConflict
from tidegate.testing import NOON

pytestmark = pytest.mark.anyio

OPEN = Circuit(1, 30.0, NOON + timedelta(seconds=30, microseconds=123_456), "5 uses in a row failed")


@pytest.fixture
def circuits(client: AsyncClient) -> FirestoreCircuits:
    """The adapter under test."""
    return FirestoreCircuits(client)


async def test_what_was_never_opened_is_not_there(circuits: FirestoreCircuits, name: Callable[[], str]) -> None:
    """Dependencies that work leave no trace."""
    assert await circuits.read(name()) is None


async def test_a_circuit_is_read_as_it_was_written(circuits: FirestoreCircuits, name: Callable[[], str]) -> None:
    """To the microsecond, with the version that the write returned, and a young age."""
    api = name()
    for circuit in (OPEN, Circuit()):
        before = await circuits.read(api)
        version = await circuits.write(api, circuit, before.version if before else None)
        stored = await circuits.read(api)
        assert stored is not None
        assert (stored.circuit, stored.version) == (circuit, version)
        assert timedelta() <= stored.age < timedelta(minutes=5)


async def test_many_that_open_it_at_once_write_once(circuits: FirestoreCircuits, name: Callable[[], str]) -> None:
    """The first write stands, and the others are told that theirs does not."""
    api = name()
    mine = [Circuit(1, 30.0, NOON + timedelta(seconds=each), str(each)) for each in range(8)]
    ends = await asyncio.gather(*(circuits.write(api, each, None) for each in mine), return_exceptions=True)
    [winner] = [each for each, end in zip(mine, ends, strict=True) if not isinstance(end, Exception)]
    assert all(isinstance(end, WriteConflict) for each, end in zip(mine, ends, strict=True) if each is not winner)
    stored = await circuits.read(api)
    assert stored is not None
    assert stored.circuit == winner


async def test_an_outdated_version_is_refused(circuits: FirestoreCircuits, name: Callable[[], str]) -> None:
    """Whoever writes must know what they change."""
    api = name()
    first = await circuits.write(api, OPEN, None)
    await circuits.write(api, Circuit(), first)
    with pytest.raises(WriteConflict):
        await circuits.write(api, OPEN, first)
