"""Records too large for one document: their large parts move to documents below the record's own.

`ledger/{key}` names, part by part, the pieces that hold it: `ledger/{key}/ledger_pieces/{name}`. All
of them are written in one commit, guarded by the record's version alone.

A piece is named by what it holds, so it never changes: whoever reads a record's document reads that
version's pieces or finds some missing, never those of another version. A rewrite writes only pieces
that are new, and deletes in the same commit those that are not named any more: it knows them from the
version that guards it, so no read is needed, and steps recorded one by one leave no heap behind until
the TTL. A reader that was overtaken meets missing pieces, and reads again.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tidegate.adapters.memory_fields import stored_bytes
from tidegate.errors import WriteRefused
from tidegate.events import timestamp

PIECES = "ledger_pieces"
"""The collection below a record's document; a name of its own, since a TTL policy holds for all of one name."""

MAX_COMMIT_BYTES = 10 * 1024 * 1024
"""What Firestore takes at once."""

PIECE_BYTES = 900_000
_INLINE_BYTES = 1_000_000  # both leave room in 1 MiB for names and the fields beside
_PARTS = ("outbox", "steps")
# TTL deletes within a day or so and in no order; a record must not be met without its pieces.
_OUTLIVES = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Edition:
    """A stored record's version: when it was written, as its store says it, and the names of its pieces."""

    update_time: Any
    pieces: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RecordDocuments:
    """A record as it is stored: the fields of its own document, and those of each piece by name."""

    fields: dict[str, Any]
    pieces: dict[str, dict[str, Any]]

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "RecordDocuments":
        """Move compressed parts out, the largest first, until the rest fits into one document.

        Parts that are not compressed are too small to be worth a document. Should they not fit
        either, the store refuses them.
        """
        rest: dict[str, Any] = {**fields, "pieces": {}}
        pieces: dict[str, dict[str, Any]] = {}
        movable = [part for part in _PARTS if isinstance(fields[part], bytes)]
        for part in sorted(movable, key=lambda part: len(fields[part]), reverse=True):
            if stored_bytes(rest) <= _INLINE_BYTES:
                break
            cut = dict(_cut(part, fields[part], fields["expire_at"]))
            pieces.update(cut)
            rest |= {part: None, "pieces": rest["pieces"] | {part: list(cut)}}
        return cls(rest, pieces)

    def edition(self, update_time: Any) -> Edition:
        """The version that these documents make when they are written at ``update_time``."""
        return Edition(update_time, frozenset(self.pieces))

    def changes(self, before: Edition | None) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """The pieces to write, and the names of those to delete, where ``before`` is replaced."""
        there = before.pieces if before else frozenset()
        new = {name: piece for name, piece in self.pieces.items() if name not in there}
        return new, sorted(there - self.pieces.keys())


def piece_names(fields: Mapping[str, Any]) -> list[str]:
    """The pieces that a record's own document names."""
    return [name for names in fields["pieces"].values() for name in names]


def gathered(fields: Mapping[str, Any], pieces: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The fields that `RecordDocuments.of` was given, from those of the record's own document and of its pieces.

    Raises:
        KeyError: a piece is missing.
    """
    parts: Mapping[str, Sequence[str]] = fields["pieces"]
    return {**fields, **{part: b"".join(pieces[name]["data"] for name in names) for part, names in parts.items()}}


def check_commit(key: str, size: int, limit: int = MAX_COMMIT_BYTES) -> None:
    """Refuse here what Firestore would: its answer cannot be told from that of an exhausted quota.

    Raises:
        WriteRefused: the commit is larger than ``limit``.
    """
    if size > limit:
        raise WriteRefused(
            f"{key}: a commit of {size:,} bytes exceeds the {limit:,} that Firestore takes: emit fewer events per "
            "handler (fan out in two stages), keep large step results elsewhere and return their names, and write "
            "less with ctx.batch"
        )


def _cut(part: str, packed: bytes, expire_at: datetime) -> Iterator[tuple[str, dict[str, Any]]]:
    """(Name, fields) of each piece. The expiry is in the name, so that a piece's own is never too early."""
    for start in range(0, len(packed), PIECE_BYTES):
        data = packed[start : start + PIECE_BYTES]
        name = hashlib.sha256(f"{part} {start} {timestamp(expire_at)} ".encode() + data).hexdigest()[:32]
        yield name, {"data": data, "expire_at": expire_at + _OUTLIVES}
