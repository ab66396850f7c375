"""Looking into dead letters: which there are, and all that is known of one."""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any

from google.cloud.firestore import AsyncClient, AsyncQuery
from google.cloud.firestore_v1.base_query import FieldFilter

from tidegate.adapters.firestore_ledger import FirestoreLedger
from tidegate.adapters.firestore_wire import wire_of
from tidegate.errors import ConfigurationError
from tidegate.records import Fault, Record, idempotency_key, record_key
from tidegate.topology import Topology
from tidegate_ops.filed_letters import COLLECTION, FiledLetter, LetterFile, State, told
from tidegate_ops.letter_ids import find_letter

_COUNT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class LetterFolder:
    """All that is known of one dead letter.

    Attributes:
        attempts: how often the handler was started for it.
        record: the ledger's record of the handling that failed, as it is now; None where there is none, as after a
            pure function's crash, or of this payload.
    """

    letter: FiledLetter
    attempts: int
    payload: bytes
    record: Record | None

    @property
    def traceback(self) -> str:
        """The end of the last error's traceback; empty where the reason says it all."""
        return self.record.error.detail if self.record and self.record.error else ""


class DeadLetterFile:
    """Reads the dead letters of one project; changes nothing."""

    def __init__(self, client: AsyncClient, topology: Topology) -> None:
        self._client = client
        self._topology = topology
        self._collection = client.collection(COLLECTION)

    async def list(self, *, function: str = "", state: State | None = None) -> list[FiledLetter]:
        """The letters that match, in the order of their deaths.

        Raises:
            ConfigurationError: the topology has no such function, and no letter is of it.
        """
        wanted = {"function": function, "state": state.value if state else ""}
        query: AsyncQuery = self._collection.order_by("__name__")
        for name, value in wanted.items():
            if value:
                query = query.where(filter=FieldFilter(name, "==", value))
        letters = [FiledLetter.read(each) async for each in query.stream()]
        if function and not letters and function not in self._topology.functions:
            known = ", ".join(self._topology.functions)
            raise ConfigurationError(f"there is no function {function} (there are: {known})")
        return sorted(letters, key=lambda letter: (letter.died_at, letter.id))

    async def count_open(self) -> dict[str, int]:
        """How many letters are open, by function; of functions that the topology does not have, under ``""``.

        Raises:
            StoreUnavailable: Firestore does not answer.
        """
        names = sorted(self._topology.functions)
        everything, *counts = await asyncio.gather(*map(self._count_open, ["", *names]))
        found = {name: count for name, count in zip(names, counts, strict=True) if count}
        others = everything - sum(counts)
        return found | ({"": others} if others > 0 else {})

    async def _count_open(self, function: str) -> int:
        letters = self._collection.where(filter=FieldFilter("state", "==", State.OPEN.value))
        if function:
            letters = letters.where(filter=FieldFilter("function", "==", function))
        query: Any = letters.count()
        with told():
            [[counted]] = await query.get(timeout=_COUNT_SECONDS)
        return int(counted.value)

    async def open(self, prefix: str) -> LetterFolder:
        """The letter whose id begins so; the function's name at the id's begin may be left out.

        Raises:
            ConfigurationError: no letter's id does, or several do.
        """
        snapshot = await find_letter(self._collection, prefix, self._topology.functions)
        letter = FiledLetter.read(snapshot)
        payload = await LetterFile(self._client).payload(letter)
        return LetterFolder(letter, snapshot.get("attempts"), payload, await self._record(letter, payload))

    async def _record(self, letter: FiledLetter, payload: bytes) -> Record | None:
        """What the ledger keeps of the handling that failed."""
        stored = await FirestoreLedger(wire_of(self._client)).read(
            record_key(letter.function, self._key(letter, payload))
        )
        # Where a key was used again with another payload, the record is of the first one.
        own = stored is not None and stored.record.payload_hash == hashlib.sha256(payload).hexdigest()
        return stored.record if stored and own else None

    def _key(self, letter: FiledLetter, payload: bytes) -> str:
        """What the function took for the work's identity."""
        function = self._topology.functions.get(letter.function)
        if function is None or letter.fault == Fault.INVALID:
            return letter.event_id  # a payload that does not fit is known by its event alone
        return idempotency_key(function.idempotency, letter.event_id, payload)
