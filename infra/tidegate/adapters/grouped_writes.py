"""Guarded writes of single documents, of which concurrent callers share calls; and reads likewise."""

from typing import Any

import grpc

from tidegate.adapters.firestore_wire import Wire
from tidegate.adapters.google_failures import PERMANENT, call_error, call_errors
from tidegate.adapters.groups import Groups, Limits, alone
from tidegate.adapters.raw_documents import BatchGetRequest, BatchWriteRequest

_MOST_WRITES = 100
_MOST_READS = 100
_CALLS = 2
_PACE_SECONDS = 0.004


class GroupedWrites:
    """Firestore's ``BatchWrite``: each write by itself, none because of another, and no document twice in a call."""

    def __init__(self, wire: Wire, *, max_bytes: int, timeout_seconds: float) -> None:
        """``timeout_seconds`` bounds each call, whoever waits for it."""
        self._wire = wire
        self._timeout_seconds = timeout_seconds
        self._groups = Groups[Any, Any](self._write, Limits(_MOST_WRITES, max_bytes, _CALLS, _PACE_SECONDS))

    async def write(self, write: Any, size: int) -> Any:
        """The ``WriteResult`` of a raw ``Write`` of ``size`` bytes.

        Raises:
            GoogleAPICallError: as if it were committed alone.
        """
        return await self._groups.ask(write, size=size, name=write.update.name)

    async def _write(self, writes: list[Any]) -> list[Any]:
        request = BatchWriteRequest(database=self._wire.database, writes=writes)
        try:
            answer = await self._wire.batch_write(request, self._timeout_seconds)
        except call_errors(*PERMANENT):
            if len(writes) == 1:
                raise
            # One of them is malformed, and the others have no part in it. Should any stand, its guard tells.
            return await alone(self._write, writes)
        if not len(writes) == len(answer.write_results) == len(answer.status):
            raise call_error(
                grpc.StatusCode.UNKNOWN, f"{len(writes)} writes were answered by {len(answer.status)} statuses"
            )
        return [
            call_error(status.code, status.message) if status.code else result
            for status, result in zip(answer.status, answer.write_results, strict=True)
        ]


class GroupedReads:
    """Firestore's ``BatchGetDocuments``."""

    def __init__(self, wire: Wire, *, timeout_seconds: float) -> None:
        """``timeout_seconds`` bounds each call, whoever waits for it."""
        self._wire = wire
        self._timeout_seconds = timeout_seconds
        self._groups = Groups[str, Any](self._read, Limits(_MOST_READS, 0, _CALLS, _PACE_SECONDS))

    async def read(self, name: str) -> Any:
        """The raw document of this full name as of now; None where there is none.

        Raises:
            GoogleAPICallError: no answer.
        """
        return await self._groups.ask(name, size=0)

    async def _read(self, names: list[str]) -> list[Any]:
        request = BatchGetRequest(database=self._wire.database, documents=list(dict.fromkeys(names)))
        answers = await self._wire.batch_get(request, self._timeout_seconds)
        found = {each.found.name: each.found for each in answers if each.HasField("found")}
        known = {*found, *(each.missing for each in answers)}
        if unknown := [each for each in names if each not in known]:
            raise call_error(grpc.StatusCode.UNKNOWN, f"nothing was said of {unknown[0]}")
        return [found.get(each) for each in names]
