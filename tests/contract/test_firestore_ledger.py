"""The Firestore ledger's own promises: calls counted on the wire, and every failure told as what it is."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.firestore import AsyncClient

from tests.contract.claims import claim
from tests.contract.conftest import PROJECT, connected
from tests.contract.rpc_counter import RpcCounter, counted_firestore
from tidegate.adapters.firestore_lanes import FirestoreLanes
from tidegate.adapters.firestore_ledger import FirestoreLedger
from tidegate.adapters.firestore_wire import Wire, wire_of
from tidegate.adapters.google_messages import MESSAGES
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.raw_documents import BatchWriteRequest
from tidegate.errors import StoreUnavailable, WriteConflict, WriteRefused

pytestmark = pytest.mark.anyio

RECORD = claim(function="track_hour")


class Faulty:
    """A wire whose calls fail with the errors given, in turn, before they go on.

    Attributes:
        after: whether the call reaches the store all the same, so that only its answer is lost.
        aborted: the keys whose next write is aborted within its call.
        sizes: how many documents each call was about.
    """

    def __init__(self, wire: Wire, *errors: Exception | None, after: bool = False) -> None:
        self._wire = wire
        self._errors = list(errors)
        self._after = after
        self.database, self.max_commit_bytes = wire.database, wire.max_commit_bytes
        self.aborted: set[str] = set()
        self.sizes: list[int] = []

    @property
    def calls(self) -> int:
        return len(self.sizes)

    async def commit(self, request: Any, timeout_seconds: float) -> Any:
        return await self._call(self._wire.commit, request, timeout_seconds, len(request.writes))

    async def batch_write(self, request: Any, timeout_seconds: float) -> Any:
        kept, aborted = BatchWriteRequest(), set[int]()
        for number, write in enumerate(request.writes):
            key = write.update.name.rpartition("/")[2]
            if key in self.aborted:
                self.aborted.discard(key)
                aborted.add(number)
            else:
                kept.writes.append(write)
        answer = await self._call(
            self._wire.batch_write, kept if aborted else request, timeout_seconds, len(request.writes)
        )
        for number in sorted(aborted):
            answer.status.insert(number, MESSAGES["Status"](code=grpc.StatusCode.ABORTED.value[0]))
            answer.write_results.insert(number, MESSAGES["WriteResult"]())
        return answer

    async def batch_get(self, request: Any, timeout_seconds: float) -> Any:
        return await self._call(self._wire.batch_get, request, timeout_seconds, len(request.documents))

    async def _call(self, method: Callable[..., Any], request: Any, timeout_seconds: float, size: int) -> Any:
        self.sizes.append(size)
        error = self._errors.pop(0) if self._errors else None
        if error is None:
            return await method(request, timeout_seconds)
        if self._after:
            await method(request, timeout_seconds)
        raise error


@pytest.fixture
def client() -> AsyncClient:
    """A client on an empty memory store, to make faulty."""
    return memory_firestore(MemoryDocuments())


def faulty(client: AsyncClient, *errors: Exception | None, after: bool = False) -> tuple[FirestoreLedger, Faulty]:
    """A ledger that meets these errors, and waits for nothing between its tries."""
    wire = Faulty(wire_of(client), *errors, after=after)
    return FirestoreLedger(wire, jitter=lambda: 0.0), wire


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
    """A write is one call, a commit where it has a batch, and a read is one get."""
    client, counter = counted
    ledger, key = FirestoreLedger(wire_of(client)), name()
    version = (await ledger.write(key, RECORD, None)).version
    assert counter == RpcCounter(batch_writes=1, writes=1)
    batch = client.batch()
    batch.set(client.document(f"{name()}/a"), {"n": 1})
    await ledger.write(key, RECORD, version, batch)
    assert counter == RpcCounter(batch_writes=1, commits=1, writes=3)
    counter.reset()
    await ledger.read(key)
    assert counter == RpcCounter(gets=1, reads=1)


async def test_refused_create_costs_one_call(counted: tuple[AsyncClient, RpcCounter], name: Callable[[], str]) -> None:
    """A conflict is known from the first answer; nothing is sent again."""
    client, counter = counted
    ledger, key = FirestoreLedger(wire_of(client)), name()
    await ledger.write(key, RECORD, None)
    counter.reset()
    with pytest.raises(WriteConflict):
        await ledger.write(key, RECORD, None)
    assert counter == RpcCounter(batch_writes=1, writes=1)


async def test_unreachable_store(closed_port: int) -> None:
    """Where nobody listens, reads and writes say that the store is unavailable, and why."""
    async with connected(f"127.0.0.1:{closed_port}") as client:
        ledger = FirestoreLedger(wire_of(client), jitter=lambda: 0.0)
        with pytest.raises(
            StoreUnavailable, match=r"a\.key: no usable answer to the write: ServiceUnavailable"
        ) as told:
            await ledger.write("a.key", RECORD, None)
        assert isinstance(told.value.__cause__, exceptions.ServiceUnavailable)
        with pytest.raises(StoreUnavailable, match="no usable answer to the read"):
            await ledger.read("a.key")


async def test_silent_store() -> None:
    """A store that never answers is unavailable when the time is up, whoever asks it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with connected(f"127.0.0.1:{silent.getsockname()[1]}") as client:
            ledger = FirestoreLedger(wire_of(client), timeout_seconds=0.1)
            with pytest.raises(StoreUnavailable, match="DeadlineExceeded"):
                await ledger.write("a.key", RECORD, None)
            with pytest.raises(StoreUnavailable, match="DeadlineExceeded"):
                await ledger.read("a.key")
            with pytest.raises(StoreUnavailable, match="DeadlineExceeded"):
                await FirestoreLanes(client, timeout_seconds=0.1).read("a.key")


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
    assert service.calls == 12


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


async def test_deliveries_share_calls(counted: tuple[AsyncClient, RpcCounter], name: Callable[[], str]) -> None:
    """Records that are written, or read, at the same time travel together; each is one write, guarded by itself."""
    client, counter = counted
    ledger, keys = FirestoreLedger(wire_of(client)), [name() for _ in range(50)]
    versions = [each.version for each in await asyncio.gather(*(ledger.write(key, RECORD, None) for key in keys))]
    assert counter == RpcCounter(batch_writes=1, writes=50)
    counter.reset()
    await asyncio.gather(*(ledger.write(key, RECORD, version) for key, version in zip(keys, versions, strict=True)))
    assert counter == RpcCounter(batch_writes=1, writes=50)
    counter.reset()
    found = await asyncio.gather(*map(ledger.read, keys))
    assert counter == RpcCounter(gets=1, reads=50)
    assert [each and each.record for each in found] == [RECORD] * 50


async def test_of_two_claims_one_stands(client: AsyncClient) -> None:
    """Two deliveries of one event at the same time never share a call, and the second one conflicts."""
    ledger, wire = faulty(client)
    first, second = await asyncio.gather(
        ledger.write("a.key", RECORD, None), ledger.write("a.key", RECORD, None), return_exceptions=True
    )
    assert isinstance(second, WriteConflict)
    assert not isinstance(first, BaseException)
    assert wire.sizes == [1, 1]


async def test_a_refused_neighbour_harms_nobody(client: AsyncClient) -> None:
    """A conflict within a shared call is told to the one that it concerns."""
    ledger, wire = faulty(client)
    await ledger.write("a.key", RECORD, None)
    told = await asyncio.gather(
        *(ledger.write(key, RECORD, None) for key in ("b.key", "a.key", "c.key")), return_exceptions=True
    )
    assert [isinstance(each, WriteConflict) for each in told] == [False, True, False]
    assert wire.sizes == [1, 3]


async def test_a_malformed_neighbour_harms_nobody(client: AsyncClient) -> None:
    """Where Firestore refuses a whole call for one write in it, the others go again without it."""
    malformed = exceptions.InvalidArgument("malformed")
    ledger, wire = faulty(client, malformed, None, malformed, None)
    told = await asyncio.gather(
        *(ledger.write(key, RECORD, None) for key in ("a.key", "b.key", "c.key")), return_exceptions=True
    )
    assert [isinstance(each, WriteRefused) for each in told] == [False, True, False]
    assert [await ledger.read(key) is None for key in ("a.key", "b.key", "c.key")] == [False, True, False]
    assert wire.sizes[:4] == [3, 1, 1, 1]


async def test_a_lost_answer_is_lost_for_all_that_share_it(client: AsyncClient) -> None:
    """None of their writes is sent again, and any of them may stand."""
    ledger, wire = faulty(client, exceptions.ServiceUnavailable("reset"), after=True)
    keys = ("a.key", "b.key")
    told = await asyncio.gather(*(ledger.write(key, RECORD, None) for key in keys), return_exceptions=True)
    assert [type(each) for each in told] == [StoreUnavailable] * 2
    assert wire.sizes == [2]
    assert [each and each.record for each in await asyncio.gather(*map(ledger.read, keys))] == [RECORD] * 2


async def test_who_is_aborted_tries_again_alone(client: AsyncClient) -> None:
    """Contention on one document of a shared call is no matter of the others."""
    ledger, wire = faulty(client)
    wire.aborted = {"b.key"}
    await asyncio.gather(*(ledger.write(key, RECORD, None) for key in ("a.key", "b.key", "c.key")))
    assert wire.sizes == [3, 1]
    assert await ledger.read("b.key") is not None


async def test_half_an_answer_is_none(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that does not speak of every write is not understood, so that none is taken to stand, or to fail."""
    wire = wire_of(client)
    write = wire.batch_write

    async def forgetful(request: Any, timeout_seconds: float) -> Any:
        answer = await write(request, timeout_seconds)
        del answer.status[-1]
        return answer

    monkeypatch.setattr(wire, "batch_write", forgetful)
    ledger = FirestoreLedger(wire_of(client))
    told = await asyncio.gather(*(ledger.write(key, RECORD, None) for key in "ab"), return_exceptions=True)
    assert [type(each) for each in told] == [StoreUnavailable] * 2
