"""API keys: who holds which, kept as ``api_keys/{SHA-256 of the key}``.

A key is 32 random bytes or more, so nobody finds it by trying, hashed fast or slowly: a slow hash
protects what people can remember. Looking the hash up also tells nothing by its timing, since who
tries keys cannot choose their hashes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tidegate.adapters.firestore_calls import FirestoreCalls
from tidegate.clock import Clock
from tidegate.events import digest

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncClient

COLLECTION = "api_keys"
REMEMBERED = timedelta(seconds=30)
MAX_REMEMBERED = 10_000
MAX_KEY_CHARACTERS = 512


@dataclass(frozen=True, slots=True)
class _Holder:
    """Who held a key when it was looked up; ``principal`` is empty where nobody did."""

    principal: str
    expires_at: datetime | None
    read_at: datetime


_NOBODY = ""


class ApiKeys:
    """Looks keys up in Firestore and remembers the answer, also that there is no such key, for half a minute."""

    def __init__(self, firestore: "Callable[[], AsyncClient]", clock: Clock) -> None:
        self._firestore = firestore
        self._clock = clock
        self._calls = FirestoreCalls()
        self._remembered: dict[str, _Holder] = {}

    async def principal(self, key: str) -> str:
        """Who holds the key; empty where it is unknown, disabled or expired.

        Raises:
            StoreUnavailable: no answer.
        """
        if not 0 < len(key) <= MAX_KEY_CHARACTERS:
            return _NOBODY
        name = digest(key)
        now = self._clock()
        holder = self._remembered.get(name)
        if holder is None or now - holder.read_at >= REMEMBERED:
            holder = await self._read(name, now)
            self._remember(name, holder)
        expired = holder.expires_at is not None and holder.expires_at <= now
        return _NOBODY if expired else holder.principal

    async def _read(self, name: str, now: datetime) -> _Holder:
        document = self._firestore().collection(COLLECTION).document(name)
        found = await self._calls.get(COLLECTION, document)
        fields = found.to_dict() or {"disabled": True}
        if fields.get("disabled"):
            return _Holder(_NOBODY, None, now)
        return _Holder(fields["principal"], fields.get("expires_at"), now)

    def _remember(self, name: str, holder: _Holder) -> None:
        """Newest last, so that the first is the one to forget: made-up keys must not fill the memory."""
        self._remembered.pop(name, None)
        if len(self._remembered) >= MAX_REMEMBERED:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[name] = holder
