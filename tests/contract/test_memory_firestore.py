"""What is particular to the memory store: its clock, its limits, and what it does not pretend to know."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import firestore
from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1 import types
from google.cloud.firestore_v1.base_query import FieldFilter, Or

from tidegate.adapters.memory_documents import CommitRefused, MemoryDocuments, Precondition, Put, Refusal
from tidegate.adapters.memory_firestore import memory_firestore

pytestmark = pytest.mark.anyio

NOON = datetime(2013, 2, 8, 12, tzinfo=UTC)


@pytest.fixture
def documents() -> MemoryDocuments:
    """An empty store whose clock stands still."""
    return MemoryDocuments(clock=lambda: NOON)


@pytest.fixture
def client(documents: MemoryDocuments) -> AsyncClient:
    """The official client on it."""
    return memory_firestore(documents)


def test_update_times_grow_while_the_clock_stands_still(documents: MemoryDocuments) -> None:
    """No two commits share a time, so a version never means two states."""
    times = [documents.commit([Put("a/b", {"n": number})])[0].update_time for number in range(3)]
    assert times == [NOON, NOON + timedelta(microseconds=1), NOON + timedelta(microseconds=2)]


def test_refusal_names_kind_and_document(documents: MemoryDocuments) -> None:
    """A refused commit says which write it was and why, and leaves nothing."""
    with pytest.raises(CommitRefused) as refused:
        documents.commit([Put("a/b", {}), Put("a/c", {}, precondition=Precondition(exists=True))])
    assert (refused.value.refusal, refused.value.path) == (Refusal.NOT_FOUND, "a/c")
    assert list(documents.paths()) == []


async def test_batch_write_refuses_one_by_one(client: AsyncClient) -> None:
    """In a BatchWrite, a refused write leaves its neighbours standing and tells its own status."""
    there = client.document("a/there")
    await there.set({"n": 1})
    batch = client.batch()
    batch.create(there, {"n": 2})
    batch.create(client.document("a/new"), {"n": firestore.Increment(2)})
    request = types.BatchWriteRequest(database=client._database_string, writes=batch._write_pbs)
    answer = await client._firestore_api.batch_write(request=request)
    assert [status.code for status in answer.status] == [6, 0]
    assert answer.write_results[1].transform_results[0].integer_value == 2
    assert [each.id async for each in client.collection("a").stream()] == ["new", "there"]


async def in_transaction(client: AsyncClient) -> None:
    client.transaction()


async def consumed(stream: Any) -> None:
    async for _ in stream:
        pass


@pytest.mark.parametrize(
    "ask",
    [
        in_transaction,
        lambda client: client.collection("a").avg("n").get(),
        lambda client: client.document("a/b").get(["n"]),
        lambda client: consumed(client.collection_group("a").stream()),
        lambda client: consumed(client.collection("a").order_by("n").start_after({"n": 1}).stream()),
        lambda client: consumed(client.collection("a").select(["n"]).stream()),
        lambda client: client.collection("a").where(filter=FieldFilter("n", "not-in", [1])).get(),
        lambda client: (
            client.collection("a").where(filter=Or([FieldFilter("n", "==", 1), FieldFilter("n", "==", 2)])).get()
        ),
        lambda client: consumed(client.collections()),
    ],
    ids=["transaction", "average", "mask", "group", "cursor", "select", "not-in", "or", "collections"],
)
async def test_unknown_requests_are_refused(client: AsyncClient, ask: Callable[[AsyncClient], Awaitable[None]]) -> None:
    """What the store cannot do it says, instead of answering wrongly."""
    await client.document("a/b").set({"n": 1})
    with pytest.raises(NotImplementedError, match="the memory store"):
        await ask(client)
