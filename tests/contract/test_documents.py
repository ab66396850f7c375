"""The official Firestore client behaves on the memory store as it does on the emulator."""

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import firestore
from google.cloud.firestore import AsyncClient, AsyncCollectionReference, AsyncDocumentReference
from google.cloud.firestore_v1.base_query import FieldFilter

pytestmark = pytest.mark.anyio

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def collection(client: AsyncClient, name: Callable[[], str]) -> AsyncCollectionReference:
    """A collection that no other test uses."""
    return client.collection(name())


@pytest.fixture
def document(collection: AsyncCollectionReference) -> AsyncDocumentReference:
    """A document that is not there yet."""
    return collection.document("one")


async def fields(document: AsyncDocumentReference) -> dict[str, Any] | None:
    """What the document holds; None if it is not there."""
    held: dict[str, Any] | None = (await document.get()).to_dict()
    return held


async def test_absent_document(document: AsyncDocumentReference) -> None:
    """What nobody wrote does not exist."""
    snapshot = await document.get()
    assert not snapshot.exists
    assert snapshot.to_dict() is None


async def test_values_read_back(client: AsyncClient, document: AsyncDocumentReference) -> None:
    """Every kind of value keeps its value and type."""
    values = {
        "null": None,
        "truth": True,
        "whole": -(2**63),
        "fraction": 1.0,
        "text": "Zoë",
        "bytes": b"\xff\x00",
        "moment": datetime(2013, 2, 8, 12, 0, 0, 123456, tzinfo=UTC),
        "list": [1, {"in": ["a"]}],
        "map": {"dotted.name": {"deep": 1}, "empty": {}},
        "reference": client.document("airports/EWR"),
        "point": firestore.GeoPoint(40.7, -74.2),
    }
    await document.set(values)
    assert await fields(document) == values
    assert type((await document.get()).get("fraction")) is float


async def test_create_once(document: AsyncDocumentReference) -> None:
    """The second create finds the document there."""
    await document.create({"n": 1})
    with pytest.raises(exceptions.AlreadyExists):
        await document.create({"n": 2})
    assert await fields(document) == {"n": 1}


async def test_set_replaces(document: AsyncDocumentReference) -> None:
    """Without merge, nothing of the old document stays."""
    await document.set({"a": 1, "b": 2})
    await document.set({"c": 3})
    assert await fields(document) == {"c": 3}
    await document.set({})
    assert await fields(document) == {}


async def test_merge_keeps_the_rest(document: AsyncDocumentReference) -> None:
    """A merge writes the fields it names, at any depth, and keeps all others."""
    await document.set({"m": {"a": 1, "b": 2}, "gone": 1, "n": 1})
    await document.set({"m": {"b": 3, "x.y": 4}, "gone": firestore.DELETE_FIELD}, merge=True)
    assert await fields(document) == {"m": {"a": 1, "b": 3, "x.y": 4}, "n": 1}
    await document.set({"m": {"a": 5, "b": 6}, "n": 7}, merge=["m.a"])
    assert await fields(document) == {"m": {"a": 5, "b": 3, "x.y": 4}, "n": 1}


async def test_merge_creates(document: AsyncDocumentReference) -> None:
    """A merge, even of nothing, makes the document."""
    await document.set({}, merge=True)
    assert await fields(document) == {}


async def test_update_by_path(document: AsyncDocumentReference) -> None:
    """An update reaches into maps by path, replaces what it names without one, and deletes on request."""
    await document.set({"m": {"a": 1, "b": 2}, "whole": {"a": 1}, "scalar": 1, "gone": 1})
    await document.update(
        {"m.b": 3, "whole": {"z": 9}, "scalar.k": 1, "gone": firestore.DELETE_FIELD, "none.x": firestore.DELETE_FIELD}
    )
    assert await fields(document) == {"m": {"a": 1, "b": 3}, "whole": {"z": 9}, "scalar": {"k": 1}}
    await document.update({"whole.z": firestore.DELETE_FIELD, "m": {}})
    assert await fields(document) == {"m": {}, "whole": {}, "scalar": {"k": 1}}


async def test_update_needs_the_document(document: AsyncDocumentReference) -> None:
    """An update makes no document."""
    with pytest.raises(exceptions.NotFound):
        await document.update({"n": 1})
    assert await fields(document) is None


async def test_guarded_update(client: AsyncClient, document: AsyncDocumentReference) -> None:
    """An update guarded by the last update time stands once; then that time is of the past."""
    written = await document.set({"n": 1})
    guard = client.write_option(last_update_time=written.update_time)
    newer = await document.update({"n": 2}, option=guard)
    assert newer.update_time > written.update_time
    with pytest.raises(exceptions.FailedPrecondition):
        await document.update({"n": 3}, option=guard)
    assert await fields(document) == {"n": 2}


async def test_guard_on_an_absent_document(client: AsyncClient, document: AsyncDocumentReference) -> None:
    """A guarded write of a document that is not there fails by its guard."""
    guard = client.write_option(last_update_time=LONG_AGO)
    with pytest.raises(exceptions.FailedPrecondition):
        await document.update({"n": 1}, option=guard)
    with pytest.raises(exceptions.FailedPrecondition):
        await document.delete(option=guard)


async def test_delete(client: AsyncClient, document: AsyncDocumentReference) -> None:
    """A delete may be repeated, unless it asks that the document exist."""
    await document.set({"n": 1})
    await document.delete(option=client.write_option(exists=True))
    await document.delete()
    with pytest.raises(exceptions.NotFound):
        await document.delete(option=client.write_option(exists=True))
    assert await fields(document) is None


async def test_times(document: AsyncDocumentReference) -> None:
    """The update time grows with each change, the create time stays, and no change changes neither."""
    first = await document.set({"n": 1, "f": 1})
    same = await document.set({"n": 1, "f": 1})
    still = await document.update({"n": firestore.Maximum(0)})
    assert first.update_time == same.update_time == still.update_time
    other = await document.set({"n": 1, "f": 1.0})
    assert other.update_time > first.update_time
    snapshot = await document.get()
    assert snapshot.create_time == first.update_time
    assert snapshot.update_time == other.update_time


async def test_number_transforms(document: AsyncDocumentReference) -> None:
    """Increments add and stop at 64 bits, bounds keep the extreme; what is no number gives way."""
    await document.set({"i": 1, "f": 1.5, "text": "x", "big": 2**63 - 1, "max": 3, "min": 3, "nan": math.nan})
    result = await document.update(
        {
            "big": firestore.Increment(5),
            "f": firestore.Increment(1),
            "i": firestore.Increment(2),
            "max": firestore.Maximum(3.0),
            "min": firestore.Minimum(2.5),
            "nan": firestore.Maximum(3),
            "new.deep": firestore.Minimum(2),
            "text": firestore.Increment(5),
        }
    )
    held = await fields(document)
    assert held is not None
    assert math.isnan(held.pop("nan"))
    assert held == {"i": 3, "f": 2.5, "text": 5, "big": 2**63 - 1, "max": 3, "min": 2.5, "new": {"deep": 2}}
    assert type(held["max"]) is int
    assert [each.integer_value for each in result.transform_results][2] == 3


async def test_list_transforms(document: AsyncDocumentReference) -> None:
    """Unions append what is missing and removals take all that is equal; 3 equals 3.0, True is not 1."""
    await document.set({"l": [1, "a", 3.0], "text": "x", "f": 1})
    await document.update(
        {
            "l": firestore.ArrayUnion([1.0, 3, "b", True]),
            "text": firestore.ArrayUnion(["k", "k"]),
            "f": firestore.ArrayRemove([1]),
        }
    )
    assert await fields(document) == {"l": [1, "a", 3.0, "b", True], "text": ["k"], "f": []}
    await document.update({"l": firestore.ArrayRemove([1.0, 3, "b"])})
    held = await fields(document)
    assert held == {"l": ["a", True], "text": ["k"], "f": []}


async def test_transforms_in_create_and_merge(document: AsyncDocumentReference) -> None:
    """Transforms work in every kind of write, beside plain fields."""
    await document.create({"n": firestore.Increment(3), "at": firestore.SERVER_TIMESTAMP, "plain": 1})
    await document.set({"n": firestore.Increment(3), "m": {"l": firestore.ArrayUnion([1])}}, merge=True)
    snapshot = await document.get()
    held = snapshot.to_dict() or {}
    at = held.pop("at")
    assert held == {"n": 6, "plain": 1, "m": {"l": [1]}}
    assert abs(at - snapshot.create_time).total_seconds() < 60
    assert at.microsecond % 1000 == 0


async def test_concurrent_increments_add_up(document: AsyncDocumentReference) -> None:
    """No increment is lost, however many arrive at once."""
    await document.set({"n": 0})
    await asyncio.gather(*(document.update({"n": firestore.Increment(1)}) for _ in range(20)))
    assert await fields(document) == {"n": 20}


async def test_batch_is_atomic(client: AsyncClient, collection: AsyncCollectionReference) -> None:
    """One refused write takes all others of its batch with it."""
    await collection.document("there").set({"n": 1})
    batch = client.batch()
    batch.set(collection.document("new"), {"n": 1})
    batch.delete(collection.document("there"))
    batch.update(collection.document("absent"), {"n": 1})
    with pytest.raises(exceptions.NotFound):
        await batch.commit()
    assert [each.id async for each in collection.stream()] == ["there"]


async def test_batch_applies_in_order(client: AsyncClient, document: AsyncDocumentReference) -> None:
    """Later writes of a batch see the earlier ones; all of them share one update time."""
    batch = client.batch()
    batch.set(document, {"a": 1})
    batch.update(document, {"b": 2})
    batch.update(document, {"a": firestore.Increment(1)})
    results = await batch.commit()
    assert await fields(document) == {"a": 2, "b": 2}
    assert len({each.update_time for each in results}) == 1


async def test_documents_are_copies(document: AsyncDocumentReference) -> None:
    """What the caller does to its own data afterwards changes nothing that is stored."""
    mine: dict[str, Any] = {"l": [1], "m": {"a": 1}}
    await document.set(mine)
    mine["l"].append(2)
    mine["m"]["b"] = 2
    read = await fields(document)
    assert read == {"l": [1], "m": {"a": 1}}
    read["l"].append(3)
    assert await fields(document) == {"l": [1], "m": {"a": 1}}


@pytest.mark.parametrize(
    "impossible",
    [{"text": "x" * 1_100_000}, {"__reserved__": 1}, {"m": {"__reserved__": 1}}],
    ids=["too large", "reserved name", "reserved name inside"],
)
async def test_impossible_documents(document: AsyncDocumentReference, impossible: dict[str, Any]) -> None:
    """What breaks Firestore's limits is an invalid argument."""
    with pytest.raises(exceptions.InvalidArgument):
        await document.set(impossible)
    assert await fields(document) is None


async def test_get_all(client: AsyncClient, collection: AsyncCollectionReference) -> None:
    """Each document once, absent ones included, however often they are asked for."""
    there, absent = collection.document("there"), collection.document("absent")
    await there.set({"n": 1})
    found = [(each.id, each.exists) async for each in client.get_all([there, absent, there])]
    assert sorted(found) == [("absent", False), ("there", True)]


async def test_add(collection: AsyncCollectionReference) -> None:
    """A document added without an id gets one."""
    _, document = await collection.add({"n": 1})
    assert await fields(document) == {"n": 1}


async def test_list_documents(collection: AsyncCollectionReference) -> None:
    """The listing names documents of the collection, and those that only have documents below them."""
    await collection.document("a").set({})
    await collection.document("b").collection("below").document("x").set({})
    assert [each.id async for each in collection.list_documents()] == ["a", "b"]
    assert [each.id async for each in collection.stream()] == ["a"]
    assert [each.id async for each in collection.document("b").collection("below").stream()] == ["x"]


@pytest.fixture
async def mixed(collection: AsyncCollectionReference) -> AsyncCollectionReference:
    """Documents a to h with a value of another kind each under ``v``, one without, numbered under ``n``."""
    values = {"a": 1, "b": 2.5, "c": "x", "d": None, "e": [1, 2], "f": True, "g": {"k": 1}, "h": math.nan}
    for number, (key, value) in enumerate(values.items()):
        await collection.document(key).set({"v": value, "n": number})
    await collection.document("i").set({"n": 8})
    return collection


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        ("==", 1, "a"),
        ("==", 1.0, "a"),
        ("==", None, "d"),
        ("==", math.nan, "h"),
        ("!=", 1, "fhbceg"),
        ("!=", None, "fhabceg"),
        ("<", 2, "a"),
        ("<=", 2.5, "ab"),
        (">", 1, "b"),
        (">=", 1, "ab"),
        (">", "a", "c"),
        ("in", [1, "x"], "ac"),
        ("array_contains", 2, "e"),
    ],
)
async def test_filter(mixed: AsyncCollectionReference, operator: str, value: Any, found: str) -> None:
    """A filter finds what Firestore finds, and in its order: types apart, absent fields never."""
    query = mixed.where(filter=FieldFilter("v", operator, value))
    assert await ids(query) == found


async def test_order(mixed: AsyncCollectionReference) -> None:
    """Values of unlike types have an order; documents without the field are left out."""
    assert await ids(mixed.order_by("v")) == "dfhabceg"
    assert await ids(mixed.order_by("v", direction="DESCENDING").limit(3)) == "gec"
    assert await ids(mixed.order_by("n").offset(2).limit(2)) == "cd"
    assert await ids(mixed) == "abcdefghi"


async def test_filters_are_joined(mixed: AsyncCollectionReference) -> None:
    """All filters must hold, also on the document's own name."""
    numbered = mixed.where(filter=FieldFilter("n", ">", 1)).where(filter=FieldFilter("n", "<", 5))
    assert await ids(numbered.order_by("n").limit(2)) == "cd"
    assert await ids(numbered.order_by("n", direction="DESCENDING")) == "edc"
    assert await ids(mixed.where(filter=FieldFilter("v", ">", 0)).order_by("n")) == "ab"
    assert await ids(mixed.where(filter=FieldFilter("__name__", "==", mixed.document("b")))) == "b"


async def test_query_snapshot(mixed: AsyncCollectionReference) -> None:
    """A snapshot from a query is the document's own: reference, fields and times."""
    [snapshot] = await mixed.where(filter=FieldFilter("v", "==", "x")).get()
    own = await mixed.document("c").get()
    assert snapshot.reference == mixed.document("c")
    assert snapshot.to_dict() == own.to_dict() == {"v": "x", "n": 2}
    assert (snapshot.create_time, snapshot.update_time) == (own.create_time, own.update_time)


async def ids(query: Any) -> str:
    """The ids that a query finds, in order."""
    return "".join([each.id async for each in query.stream()])
