"""The lanes of limits per key in Firestore; works on the memory client as well: its writes join a record's commit."""

import random
from collections.abc import Callable
from dataclasses import fields as dataclass_fields
from datetime import datetime
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncDocumentReference
from google.cloud.firestore_v1.async_batch import AsyncWriteBatch

from tidegate.adapters.firestore_calls import FirestoreCalls, copied
from tidegate.adapters.record_document import plain_time
from tidegate.lanes import Burst, Held, Lane, Paced
from tidegate.ports import StoredLane
from tidegate.versions import Version

LANES = "lanes"
"""The collection beside the ledger, with one document per function and key that is limited at the moment."""


class FirestoreLanes:
    """Implements `tidegate.ports.Lanes`."""

    def __init__(
        self, client: AsyncClient, *, timeout_seconds: float = 10.0, jitter: Callable[[], float] = random.random
    ) -> None:
        self._client = client
        self._calls = FirestoreCalls(timeout_seconds, jitter)

    async def read(self, key: str) -> StoredLane | None:
        reference = self._reference(key)
        snapshot = await self._calls.get(reference.path, reference)
        fields = snapshot.to_dict()
        return StoredLane(_lane_of(fields), snapshot.update_time) if fields is not None else None

    async def write(self, key: str, lane: Lane, expected: Version | None) -> None:
        await self._calls.commit(f"{LANES}/{key}", self.joined(None, key, lane, expected))

    def joined(
        self, batch: AsyncWriteBatch | None, key: str, lane: Lane | None, expected: Version | None
    ) -> AsyncWriteBatch:
        joined = copied(self._client, batch)
        reference = self._reference(key)
        if expected is None:
            assert lane is not None, "a lane that is not there cannot be freed"
            joined.create(reference, _fields_of(lane))
            return joined
        guard = self._client.write_option(last_update_time=expected)
        if lane is None:
            joined.delete(reference, guard)
        else:
            joined.update(reference, _fields_of(lane), guard)
        return joined

    def _reference(self, key: str) -> AsyncDocumentReference:
        return self._client.collection(LANES).document(key)


def _fields_of(lane: Lane) -> dict[str, Any]:
    kind = type(lane)
    return {"mode": _MODES[kind], **{name: getattr(lane, name) for name in _FIELDS[kind]}, "expire_at": lane.expire_at}


def _lane_of(fields: dict[str, Any]) -> Lane:
    """The lane that the document describes; of another mode it may hold fields as well, which say nothing."""
    kind = next(each for each, mode in _MODES.items() if mode == fields["mode"])
    values: dict[str, Any] = {name: fields[name] for name in _FIELDS[kind]}
    values |= {name: plain_time(each) for name, each in values.items() if isinstance(each, datetime)}
    return kind(**values)


_MODES: dict[type[Lane], str] = {Held: "singleton", Paced: "throttle", Burst: "debounce"}
_FIELDS = {kind: tuple(each.name for each in dataclass_fields(kind)) for kind in _MODES}
