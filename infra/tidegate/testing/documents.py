"""The application's own documents in a world."""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from tidegate.adapters.firestore_circuits import BREAKERS
from tidegate.adapters.firestore_lanes import LANES
from tidegate.adapters.firestore_pauses import PAUSES
from tidegate.adapters.job_documents import JOBS
from tidegate.adapters.memory_documents import Delete, MemoryDocuments, Put
from tidegate.adapters.memory_fields import copied
from tidegate.adapters.record_document import LEDGER

_RUNTIME = frozenset({LEDGER, JOBS, BREAKERS, LANES, PAUSES})


class Documents(MutableMapping[str, dict[str, Any]]):
    """Path to fields, such as ``documents["rebookings/EV3267"]``; what is set here is what functions find.

    It leaves out what the runtime keeps for itself, so that all of it can be compared with what was to be written.
    """

    def __init__(self, store: MemoryDocuments) -> None:
        self._store = store

    def __getitem__(self, path: str) -> dict[str, Any]:
        document = self._store.get(path)
        if document is None:
            raise KeyError(f"there is no document {path}; there are: {', '.join(self) or 'none'}")
        fields: dict[str, Any] = copied(document.fields)
        return fields

    def __setitem__(self, path: str, fields: Mapping[str, Any]) -> None:
        self._store.commit([Put(path, copied(fields))])

    def __delitem__(self, path: str) -> None:
        self._store.commit([Delete(path)])

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(path for path in self._store.paths() if path.partition("/")[0] not in _RUNTIME))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))
