"""The Firestore ledger's own promises: calls counted on the wire, and every failure told as what it is."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud.firestore import AsyncClient

from tests.contract.claims import claim
from tests.contract.conftest import PROJECT, connected
from tests.contract.rpc_counter import RpcCounter, counted_firestore
from tidegate.adapters.firestore_ledger import FirestoreLedger
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.errors import StoreUnavailable, WriteConflict, WriteRefused

pytestmark = pytest.mark.anyio

RECORD = claim(function="track_hour")


class Faulty:
    """A low-level client whose commits and reads fail with the errors given, in turn, before they go on.

    Attributes:
        after: whether the call reaches the store all the same, so that only its answer is lost.
    """

    def __init__(self, service: Any, *errors: Exception | None, after: bool = False) -> None:
        self._service = service
        self._errors = list(errors)
        self._after = after
        self.calls = 0

    async def commit(self, **arguments: Any) -> Any:
        return await self._call(self._service.commit, arguments)

    async def batch_get_documents(self, **arguments: Any) -> Any:
        return await self._call(self._service.batch_get_documents, arguments)

    async def _call(self, method: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        self.calls += 1
        error = self._errors.pop(0) if self._errors else None
        if error is None:
            return await method(**arguments)
        if self._after:
            await method(**arguments)
        raise error


@pytest.fixture
def client() -> AsyncClient:
    """A client on an empty memory store, to make faulty."""
    return memory_firestore(MemoryDocuments())


def faulty(client: AsyncClient, *errors: Exception | None, after: bool = False) -> tuple[FirestoreLedger, Faulty]:
    """A ledger that meets these errors, and waits for nothing between its tries."""
    service = Faulty(client._firestore_api, *errors, after=after)
    client._firestore_api_internal = service
    return FirestoreLedger(client, jitter=lambda: 0.0), service


@pytest.fixture
async def counted(firestore_emulator: Any) -> AsyncIterator[tuple[AsyncClient, RpcCounter]]:
    """A client of the emulator, and the counter of its calls."""
    counter = RpcCounter()
    client = counted_firestore(firestore_emulator.host, PROJECT, counter)
    yield client, counter
    await client._firestore_api.transport.close()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, held so that nobody else will."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


async def test_one_call_each(counted: tuple[AsyncClient, RpcCounter], name: Callable[[], str]) -> None:
    """A write is one commit and a read is one get, also with a batch."""
    client, counter = counted
    ledger, key = FirestoreLedger(client), name()
    version = (await ledger.write(key, RECORD, None)).version
    assert counter == RpcCounter(commits=1, writes=1)
    batch = client.batch()
    batch.set(client.document(f"{name()}/a"), {"n": 1})
    await ledger.write(key, RECORD, version, batch)
    assert counter == RpcCounter(commits=2, writes=3)
    counter.reset()
    await ledger.read(key)
    assert counter == RpcCounter(gets=1, reads=1)


async def test_refused_create_costs_one_call(counted: tuple[AsyncClient, RpcCounter], name: Callable[[], str]) -> None:
    """A conflict is known from the first answer; nothing is sent again."""
    client, counter = counted
    ledger, key = FirestoreLedger(client), name()
    await ledger.write(key, RECORD, None)
    counter.reset()
    with pytest.raises(WriteConflict):
        await ledger.write(key, RECORD, None)
    assert counter == RpcCounter(commits=1, writes=1)


async def test_unreachable_store(closed_port: int) -> None:
    """Where nobody listens, reads and writes say that the store is unavailable, and why."""
    async with connected(f"127.0.0.1:{closed_port}") as client:
        ledger = FirestoreLedger(client, jitter=lambda: 0.0)
        with pytest.raises(
            StoreUnavailable, match=r"a\.key: no usable answer to the write: ServiceUnavailable"
        ) as told:
            await ledger.write("a.key", RECORD, None)
        assert isinstance(told.value.__cause__, exceptions.ServiceUnavailable)
        with pytest.raises(StoreUnavailable, match="no usable answer to the read"):
            await ledger.read("a.key")


async def test_silent_store(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that never answers is unavailable when the time is up."""

    async def never(**_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(client._firestore_api, "commit", never)
    with pytest.raises(StoreUnavailable, match="TimeoutError"):
        await FirestoreLedger(client, timeout_seconds=0.01).write("a.key", RECORD, None)


async def test_aborted_write_is_tried_again(client: AsyncClient) -> None:
    """After ABORTED nothing stands, so the same write is sent again."""
    ledger, service = faulty(client, exceptions.Aborted("contention"), exceptions.Aborted("contention"))
    await ledger.write("a.key", RECORD, None)
    stored = await ledger.read("a.key")
    assert stored is not None
    assert stored.record == RECORD
    assert service.calls == 4


async def test_contention_without_end(client: AsyncClient) -> None:
    """A write that is aborted every time is given up after a few tries."""
    ledger, service = faulty(client, *[exceptions.Aborted("contention")] * 100)
    with pytest.raises(StoreUnavailable):
        await ledger.write("a.key", RECORD, None)
    assert service.calls == 6


async def test_lost_answer_is_not_sent_again(client: AsyncClient) -> None:
    """A write whose answer is lost may stand: it is told as such, not repeated into a conflict with itself."""
    ledger, service = faulty(client, exceptions.ServiceUnavailable("reset"), after=True)
    with pytest.raises(StoreUnavailable):
        await ledger.write("a.key", RECORD, None)
    assert service.calls == 1
    assert await ledger.read("a.key") is not None


async def test_read_survives_a_blip(client: AsyncClient) -> None:
    """A read changes nothing, so one failure of the service does not end it."""
    ledger, _ = faulty(client, exceptions.ServiceUnavailable("reset"))
    assert await ledger.read("a.key") is None


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (exceptions.InvalidArgument("malformed"), WriteRefused),
        (exceptions.PermissionDenied("no role"), StoreUnavailable),
        (exceptions.ResourceExhausted("quota"), StoreUnavailable),
        (exceptions.DeadlineExceeded("late"), StoreUnavailable),
        (exceptions.InternalServerError("bug"), StoreUnavailable),
        (exceptions.Unknown("?"), StoreUnavailable),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else "",
)
async def test_failures_are_told_apart(client: AsyncClient, error: Exception, told: type[Exception]) -> None:
    """Only what no later try can mend is refused; the service's own state passes."""
    ledger, service = faulty(client, error)
    with pytest.raises(told) as raised:
        await ledger.write("a.key", RECORD, None)
    assert raised.value.__cause__ is error
    assert service.calls == 1


async def test_too_large_request_is_refused_unsent(client: AsyncClient) -> None:
    """A commit above Firestore's 10 MiB is refused without a call."""
    ledger, service = faulty(client)
    batch = client.batch()
    for number in range(11):
        batch.set(client.document(f"blobs/{number}"), {"blob": b"x" * 1_000_000})
    with pytest.raises(WriteRefused, match="exceeds"):
        await ledger.write("a.key", RECORD, None, batch)
    assert service.calls == 0
