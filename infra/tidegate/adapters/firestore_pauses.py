"""Pauses of functions in Firestore; works on the memory client as well."""

import random
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from google.cloud.firestore import AsyncClient

from tidegate.adapters.firestore_calls import FirestoreCalls
from tidegate.controls import StoredPause
from tidegate.pauses import CutOff, Hold, Pause, Push
from tidegate.versions import Version

PAUSES = "pauses"
"""The collection that holds one document per function that was ever paused."""


class FirestorePauses:
    """Implements `tidegate.controls.Pauses`."""

    def __init__(
        self, client: AsyncClient, *, timeout_seconds: float = 3.0, jitter: Callable[[], float] = random.random
    ) -> None:
        self._client = client
        self._calls = FirestoreCalls(timeout_seconds, jitter)

    async def read(self, function: str) -> StoredPause | None:
        reference = self._client.collection(PAUSES).document(function)
        snapshot = await self._calls.read(
            reference.path, lambda: reference.get(retry=None, timeout=self._calls.timeout_seconds)
        )
        fields = snapshot.to_dict()
        return StoredPause(_pause_of(fields), snapshot.update_time) if fields is not None else None

    async def write(self, function: str, pause: Pause, expected: Version | None) -> Version:
        reference = self._client.collection(PAUSES).document(function)
        batch = self._client.batch()
        if expected is None:
            batch.create(reference, _fields_of(pause))
        else:
            batch.update(reference, _fields_of(pause), self._client.write_option(last_update_time=expected))
        [result] = await self._calls.commit(reference.path, batch)
        return result.update_time


def _fields_of(pause: Pause) -> dict[str, Any]:
    """Each part is replaced as a whole; an update by the field would leave what is no more in ``attributes``."""
    return {
        "hold": asdict(pause.hold) if pause.hold else None,
        "cut_off": asdict(pause.cut_off) if pause.cut_off else None,
        "push": asdict(pause.push) if pause.push else None,
    }


def _pause_of(fields: dict[str, Any]) -> Pause:
    hold, cut_off, push = (fields[name] for name in ("hold", "cut_off", "push"))
    return Pause(
        hold=Hold(**hold) if hold else None,
        cut_off=CutOff(**cut_off) if cut_off else None,
        push=Push(**push) if push else None,
    )
