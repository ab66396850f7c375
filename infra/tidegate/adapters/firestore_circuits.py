"""Circuits of dependencies in Firestore; works on the memory client as well."""

import random
from collections.abc import Callable
from typing import Any

from google.cloud.firestore import AsyncClient

from tidegate.adapters.firestore_calls import FirestoreCalls
from tidegate.breakers import Circuit
from tidegate.ports import StoredCircuit
from tidegate.versions import Version

BREAKERS = "breakers"
"""The collection that holds one document per dependency which was ever cut off."""


class FirestoreCircuits:
    """Implements `tidegate.ports.Circuits`."""

    def __init__(
        self, client: AsyncClient, *, timeout_seconds: float = 3.0, jitter: Callable[[], float] = random.random
    ) -> None:
        self._client = client
        self._calls = FirestoreCalls(timeout_seconds, jitter)

    async def read(self, dependency: str) -> StoredCircuit | None:
        reference = self._client.collection(BREAKERS).document(dependency)
        snapshot = await self._calls.get(reference.path, reference)
        fields = snapshot.to_dict()
        if fields is None:
            return None
        return StoredCircuit(_circuit_of(fields), snapshot.read_time - snapshot.update_time, snapshot.update_time)

    async def write(self, dependency: str, circuit: Circuit, expected: Version | None) -> Version:
        reference = self._client.collection(BREAKERS).document(dependency)
        batch = self._client.batch()
        if expected is None:
            batch.create(reference, _fields_of(circuit))
        else:
            batch.update(reference, _fields_of(circuit), self._client.write_option(last_update_time=expected))
        [result] = await self._calls.commit(reference.path, batch)
        return result.update_time


def _fields_of(circuit: Circuit) -> dict[str, Any]:
    return {
        "state": "open" if circuit.is_open else "closed",
        "trips": circuit.trips,
        "cool_down_seconds": circuit.cool_down_seconds,
        "until": circuit.until,
        "reason": circuit.reason,
    }


def _circuit_of(fields: dict[str, Any]) -> Circuit:
    return Circuit(fields["trips"], fields["cool_down_seconds"], fields["until"], fields["reason"])
