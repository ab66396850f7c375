"""API keys on file, as the gateway looks them up: ``api_keys/{SHA-256 of the key}``."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from google.cloud.firestore import AsyncClient, AsyncQuery, DocumentSnapshot
from google.cloud.firestore_v1.base_query import FieldFilter

from tidegate.adapters.firestore_calls import FirestoreCalls
from tidegate.errors import ConfigurationError, TidegateError, WriteConflict
from tidegate.events import digest

COLLECTION = "api_keys"
_KEY_BYTES = 32
_NAMED = 5
_LAST_DIGIT = "g"  # sorts after every hex digit
_BEGINNING = re.compile(r"[0-9a-f]{1,64}")


class KeyChanged(TidegateError):
    """The key on file is not as it was read any more."""


@dataclass(frozen=True, slots=True)
class FiledKey:
    """What is known of a key, which is not the key itself.

    Attributes:
        id: SHA-256 of the key, in hex digits.
        expires_at: None for never.
        update_time: the version that was read; guards the next write.
    """

    id: str
    principal: str
    created_at: datetime
    expires_at: datetime | None
    disabled: bool
    update_time: datetime

    @classmethod
    def read(cls, snapshot: DocumentSnapshot[Any]) -> Self:
        """The key in a document."""
        fields = snapshot.to_dict() or {}
        return cls(
            id=snapshot.id,
            principal=fields["principal"],
            created_at=fields["created_at"],
            expires_at=fields.get("expires_at"),
            disabled=fields.get("disabled", False),
            update_time=snapshot.update_time,
        )

    def state(self, now: datetime) -> str:
        """Whether it opens the door: ``active``, ``expired`` or ``disabled``."""
        if self.disabled:
            return "disabled"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


class KeyFile:
    """The API keys in one project's Firestore; every method raises StoreUnavailable where that does not answer."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._calls = FirestoreCalls()
        self._collection = client.collection(COLLECTION)

    async def add(self, principal: str, created_at: datetime, expires_at: datetime | None) -> str:
        """Make a key for ``principal``; it is returned here, and kept nowhere."""
        key = secrets.token_urlsafe(_KEY_BYTES)
        fields = {"principal": principal, "created_at": created_at, "expires_at": expires_at, "disabled": False}
        batch = self._client.batch()
        batch.create(self._collection.document(digest(key)), fields)
        await self._calls.commit(COLLECTION, batch)
        return key

    async def list(self) -> list[FiledKey]:
        """All of them, the oldest first."""
        keys = await self._found(self._collection.order_by("__name__"))
        return sorted(keys, key=lambda each: (each.created_at, each.id))

    async def find(self, prefix: str) -> FiledKey:
        """The key whose id begins so.

        Raises:
            ConfigurationError: no key's id does, or several do.
        """
        found = await self._found(self._beginning(prefix)) if _is_id(prefix) else []
        if not found:
            raise ConfigurationError(
                f"there is no API key {prefix}: `tidegate keys list` shows the ids of those there are"
            )
        if len(found) > 1:
            names = ", ".join(each.id[: len(prefix) + 4] for each in found[:_NAMED])
            raise ConfigurationError(f"{prefix} begins the ids of several API keys, write more of it: {names}")
        return found[0]

    async def disable(self, key: FiledKey) -> None:
        """Let it open the door no more.

        Raises:
            KeyChanged: it is not as it was read.
        """
        batch = self._client.batch()
        guard = self._client.write_option(last_update_time=key.update_time)
        batch.update(self._collection.document(key.id), {"disabled": True}, guard)
        try:
            await self._calls.commit(key.id, batch)
        except WriteConflict as error:
            raise KeyChanged(f"API key {key.id} was changed by somebody else meanwhile: look, and try again") from error

    async def _found(self, query: AsyncQuery) -> Sequence[FiledKey]:
        return [FiledKey.read(each) for each in await self._calls.get(COLLECTION, query)]

    def _beginning(self, prefix: str) -> AsyncQuery:
        first, last = self._collection.document(prefix), self._collection.document(prefix + _LAST_DIGIT)
        query = self._collection.where(filter=FieldFilter("__name__", ">=", first))
        return query.where(filter=FieldFilter("__name__", "<", last)).limit(_NAMED + 1)


def _is_id(prefix: str) -> bool:
    return _BEGINNING.fullmatch(prefix) is not None
