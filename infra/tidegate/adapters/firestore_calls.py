"""Calls to Firestore whose answers mean something: none is repeated unless nothing of it can stand."""

import random
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tidegate.adapters.google_failures import PERMANENT, call_errors, google_failures
from tidegate.adapters.patience import Patience
from tidegate.errors import StoreUnavailable, WriteConflict, WriteRefused

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncClient
    from google.cloud.firestore_v1.async_batch import AsyncWriteBatch
    from google.cloud.firestore_v1.types import WriteResult

_TRIES = 12
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.02, 1.0
"""Some three seconds in all: gRPC itself connects anew a second or two after a connection was lost, and on a document
that many write each commit holds up the others for up to a tenth of a second."""

_Answer = TypeVar("_Answer")
_Answer_co = TypeVar("_Answer_co", covariant=True)


class _Readable(Protocol[_Answer_co]):
    """A document, a query or an aggregation."""

    def get(self, *, retry: Any, timeout: float) -> Awaitable[_Answer_co]: ...


# After these nothing stands, and the same call may succeed at once: two writers met on one document.
_CONTENDED = ("Aborted",)
# A read changes nothing, so it may also be repeated where nobody knows what became of the first one.
_TRANSIENT = (*_CONTENDED, "InternalServerError", "ServiceUnavailable")
# Preconditions that did not hold. A project without a database answers NOT_FOUND as well; the read
# by which the engine settles a conflict then fails, and nothing is taken for another's work.
_CONFLICTS = ("AlreadyExists", "FailedPrecondition", "NotFound")


class FirestoreCalls:
    """Makes calls within a time limit, each with some tries where several writers meet.

    The library's own retries are to be off (``retry=None``). They would send a commit again after an
    answer was lost and report the first one's success as a conflict; here such a loss is said
    (StoreUnavailable) and settled by reading.
    """

    def __init__(self, timeout_seconds: float = 10.0, jitter: Callable[[], float] = random.random) -> None:
        """
        Args:
            timeout_seconds: bounds each try, as the call itself sees to, and from when on there is none again.
            jitter: draws from 0 to 1.
        """
        self.timeout_seconds = timeout_seconds
        self._patience = Patience(_TRIES, timeout_seconds, _FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS, jitter)

    async def commit(self, what: str, batch: "AsyncWriteBatch") -> "list[WriteResult]":
        """Commit a batch; ``what`` it is about stands in the error.

        Raises:
            WriteConflict: a precondition did not hold; nothing stands.
            WriteRefused: Firestore will never take it; nothing stands.
            StoreUnavailable: no clear answer; it may stand.
        """
        return await self.write(what, lambda: batch.commit(retry=None, timeout=self.timeout_seconds))

    async def write(self, what: str, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """The answer of a call that writes.

        Raises:
            As `commit`.
        """
        try:
            return await self._patience.answer(call, again_after=_CONTENDED)
        except call_errors(*_CONFLICTS) as error:
            raise WriteConflict(f"{what}: {error.message}") from error
        except call_errors(*PERMANENT) as error:
            raise WriteRefused(f"{what}: {error.message}") from error
        except google_failures() as error:
            raise StoreUnavailable(f"{what}: no usable answer to the write: {_spoken(error)}") from error

    async def get(self, what: str, target: _Readable[_Answer]) -> _Answer:
        """What a document, a query or an aggregation comes to.

        Raises:
            StoreUnavailable: there is no answer.
        """
        return await self.read(what, lambda: target.get(retry=None, timeout=self.timeout_seconds))

    async def read(self, what: str, call: Callable[[], Awaitable[_Answer]]) -> _Answer:
        """The answer of a call that only reads.

        Raises:
            StoreUnavailable: there is none.
        """
        try:
            return await self._patience.answer(call, again_after=_TRANSIENT)
        except google_failures() as error:
            raise StoreUnavailable(f"{what}: no usable answer to the read: {_spoken(error)}") from error


def copied(client: "AsyncClient", batch: "AsyncWriteBatch | None") -> "AsyncWriteBatch":
    """A batch of its own with the same writes, since whoever made ``batch`` may need theirs again."""
    copy = client.batch()
    if batch is not None:
        copy._add_write_pbs(batch._write_pbs)
    return copy


def counts(results: Iterable[Any]) -> tuple[float, ...]:
    """What the increments of a commit came to, in their order; its results may be raw."""
    values = [each for result in results for each in getattr(result, "_pb", result).transform_results]
    kinds = [value.WhichOneof("value_type") for value in values]
    numbers = ("integer_value", "double_value")
    return tuple(getattr(value, kind) for value, kind in zip(values, kinds, strict=True) if kind in numbers)


def _spoken(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
