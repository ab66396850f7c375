"""A document store in memory with Firestore's semantics: atomic commits, preconditions, update times.

It knows nothing of Google's libraries; `memory_firestore` puts the official client on top of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeAlias

from tidegate.adapters.memory_fields import (
    FieldPath,
    Fields,
    copied,
    delete_at,
    identical,
    reserved_names,
    set_at,
    stored_bytes,
    value_at,
)
from tidegate.adapters.memory_transforms import Transform
from tidegate.clock import Clock, system_clock
from tidegate.errors import TidegateError

MAX_DOCUMENT_BYTES = 1_048_576
_NAME_BYTES = 32  # what Firestore adds to each document
_TICK = timedelta(microseconds=1)


class Refusal(StrEnum):
    """Why a commit was refused, in the words of Google's status codes."""

    ALREADY_EXISTS = "already exists"
    NOT_FOUND = "not found"
    FAILED_PRECONDITION = "failed precondition"
    INVALID = "invalid argument"


class CommitRefused(TidegateError):
    """A write was refused, and with it the whole commit: nothing of it stands.

    Attributes:
        refusal: which kind of refusal.
        path: the document whose write was refused.
    """

    def __init__(self, refusal: Refusal, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.refusal = refusal
        self.path = path


@dataclass(frozen=True, slots=True)
class Precondition:
    """What must hold for a write; None where nothing is asked."""

    exists: bool | None = None
    update_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """Writes a document. The store keeps ``fields``: whoever has made them leaves them as they are.

    Attributes:
        mask: the fields to write; one that ``fields`` lacks is deleted, all others are kept.
            None replaces the whole document.
        transforms: applied in order after the fields are written.
    """

    path: str
    fields: Fields
    mask: tuple[FieldPath, ...] | None = None
    transforms: tuple[Transform, ...] = ()
    precondition: Precondition = Precondition()


@dataclass(frozen=True, slots=True)
class Delete:
    """Removes a document; one that does not exist is no error unless ``precondition`` says so."""

    path: str
    precondition: Precondition = Precondition()


Write: TypeAlias = Put | Delete


@dataclass(frozen=True, slots=True)
class Document:
    """A document as of one moment, for ever: whoever wants to change its fields makes a copy of them.

    ``path`` is relative to the database, such as ``ledger/a``.
    """

    path: str
    fields: Fields
    create_time: datetime
    update_time: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one write.

    Attributes:
        update_time: the document's, which a write that changes nothing leaves alone; None after a delete.
        transformed: the new value for each transform; None for those of lists.
    """

    update_time: datetime | None
    transformed: tuple[Any, ...] = ()


@dataclass
class MemoryDocuments:
    """The store. Everything happens without an ``await``, so one event loop sees each commit whole."""

    clock: Clock = system_clock
    _collections: dict[str, dict[str, Document]] = field(default_factory=dict)
    _last_commit: datetime | None = None

    def commit(self, writes: Sequence[Write]) -> list[Written]:
        """Apply all writes in order, or none.

        Raises:
            CommitRefused: a precondition did not hold, or a document would break a limit.
        """
        now = self._tick()
        staged: dict[str, Document | None] = {}
        results = []
        for write in writes:
            present = staged[write.path] if write.path in staged else self._find(write.path)
            _check(write, present)
            staged[write.path], written = _applied(write, present, now)
            results.append(written)
        for path, document in staged.items():
            self._store(path, document)
        return results

    def get(self, path: str) -> Document | None:
        """The document as it is now, or None."""
        return self._find(path)

    def list(self, collection: str) -> list[Document]:
        """The documents directly in ``collection``, ordered by id."""
        return [document for _, document in sorted(self._collections.get(collection, {}).items())]

    def paths(self) -> Iterator[str]:
        """The path of every document, in no order."""
        for documents in self._collections.values():
            for document in documents.values():
                yield document.path

    def now(self) -> datetime:
        """The moment that a read sees: that of the last commit or later."""
        return max(self.clock(), self._last_commit) if self._last_commit else self.clock()

    def _tick(self) -> datetime:
        """The time of the next commit, later than every one before it even if the clock stands still."""
        now = self.clock()
        if self._last_commit is not None and now <= self._last_commit:
            now = self._last_commit + _TICK
        self._last_commit = now
        return now

    def _find(self, path: str) -> Document | None:
        collection, _, name = path.rpartition("/")
        return self._collections.get(collection, {}).get(name)

    def _store(self, path: str, document: Document | None) -> None:
        collection, _, name = path.rpartition("/")
        documents = self._collections.setdefault(collection, {})
        if document is None:
            documents.pop(name, None)
        else:
            documents[name] = document


def _check(write: Write, present: Document | None) -> None:
    wanted = write.precondition
    if wanted.exists is False and present is not None:
        raise CommitRefused(Refusal.ALREADY_EXISTS, write.path, "the document already exists")
    if wanted.exists and present is None:
        raise CommitRefused(Refusal.NOT_FOUND, write.path, "there is no such document")
    if wanted.update_time is not None and (present is None or present.update_time != wanted.update_time):
        stands = present.update_time.isoformat() if present else "no document"
        why = f"expected the version of {wanted.update_time.isoformat()}, found {stands}"
        raise CommitRefused(Refusal.FAILED_PRECONDITION, write.path, why)


def _applied(write: Write, present: Document | None, now: datetime) -> tuple[Document | None, Written]:
    if isinstance(write, Delete):
        return None, Written(update_time=None)
    fields = _masked(write, present)
    transformed = tuple(_transform(fields, each, now) for each in write.transforms)
    if present is not None and identical(fields, present.fields):
        return present, Written(present.update_time, transformed)
    _check_limits(write.path, fields)
    document = Document(write.path, fields, present.create_time if present else now, now)
    return document, Written(now, transformed)


def _masked(write: Put, present: Document | None) -> Fields:
    if write.mask is None:
        return copied(write.fields) if write.transforms else write.fields
    fields: Fields = copied(present.fields) if present else {}
    for path in write.mask:
        try:
            set_at(fields, path, copied(value_at(write.fields, path)))
        except KeyError:
            delete_at(fields, path)
    return fields


def _transform(fields: Fields, transform: Transform, now: datetime) -> Any:
    try:
        present = value_at(fields, transform.field)
    except KeyError:
        present = None
    value = transform.apply(present, now)
    set_at(fields, transform.field, value)
    return None if isinstance(value, list) else value


def _check_limits(path: str, fields: Fields) -> None:
    for name in reserved_names(fields):
        raise CommitRefused(Refusal.INVALID, path, f"field name {name!r} is empty or reserved")
    try:
        size = stored_bytes(fields) + stored_bytes(path) + _NAME_BYTES
    except UnicodeEncodeError as error:
        raise CommitRefused(Refusal.INVALID, path, f"a text is not valid Unicode: {error}") from error
    if size > MAX_DOCUMENT_BYTES:
        why = f"{size} bytes are more than the {MAX_DOCUMENT_BYTES} that a document may have"
        raise CommitRefused(Refusal.INVALID, path, why)
