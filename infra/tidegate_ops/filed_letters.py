"""The dead letters on file, as the function `dead_letters` leaves them in Firestore."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from google.api_core.exceptions import FailedPrecondition, NotFound
from google.cloud import firestore
from google.cloud.firestore import AsyncClient, DocumentSnapshot
from google.cloud.firestore_v1.base_query import FieldFilter

from tidegate.adapters.google_failures import google_failures
from tidegate.errors import ConfigurationError, StoreUnavailable, TidegateError
from tidegate.records import Fault
from tidegate_ops.letter_ids import find_letter

COLLECTION = "dead_letters"


class LetterChanged(TidegateError):
    """The letter on file is not the one that was read any more: somebody settled it, or it was filed again."""


class PayloadDamaged(TidegateError):
    """The payload on file is not what was filed."""


class State(StrEnum):
    """Where a letter stands. A letter whose event dies once more is filed again, as open."""

    OPEN = "open"
    REDRIVEN = "redriven"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class FiledLetter:
    """One dead letter, without its payload.

    Attributes:
        size: of the payload, in bytes.
        update_time: the version that was read; guards the next write.
    """

    id: str
    state: State
    function: str
    event_id: str
    event_type: str
    fault: str
    reason: str
    redrive: int
    attributes: Mapping[str, str]
    size: int
    died_at: datetime
    update_time: datetime

    @classmethod
    def read(cls, snapshot: DocumentSnapshot[Any]) -> Self:
        """The letter in a document."""
        fields = snapshot.to_dict() or {}
        names = ("function", "event_id", "event_type", "fault", "reason", "redrive", "died_at")
        return cls(
            id=snapshot.id,
            state=State(fields["state"]),
            attributes={each["name"]: each["value"] for each in fields["attributes"]},
            size=fields["bytes"],
            update_time=snapshot.update_time,
            **{name: fields[name] for name in names},
        )


@dataclass(frozen=True, slots=True)
class Selection:
    """Which open letters an operator means: those with these ids, or those that match all that is given.

    Raises:
        ConfigurationError: it names nothing, or ids as well as criteria.
    """

    ids: tuple[str, ...] = ()
    function: str = ""
    fault: str = ""
    reason_contains: str = ""
    all: bool = False

    def __post_init__(self) -> None:
        criteria = bool(self.function or self.fault or self.reason_contains)
        if self.ids and (criteria or self.all):
            raise ConfigurationError("letters are named by their ids: leave --function, --fault and the like out")
        if not (self.ids or criteria or self.all):
            raise ConfigurationError(
                "no letter is named: give ids, or --function, --fault or --reason-contains, or --all for every one"
            )
        if self.fault and self.fault not in set(Fault):
            raise ConfigurationError(f"there is no fault {self.fault!r}; there are: {', '.join(sorted(Fault))}")


class LetterFile:
    """The dead letters in one project's Firestore; every method raises StoreUnavailable where that does not answer."""

    def __init__(self, client: AsyncClient, functions: Iterable[str] = ()) -> None:
        """``functions`` are those whose names may be left out of ids."""
        self._client = client
        self._functions = tuple(functions)
        self._collection = client.collection(COLLECTION)

    async def select(self, selection: Selection) -> list[FiledLetter]:
        """The open letters that are meant, in the order of their deaths. Of an id, enough of its beginning will do.

        Raises:
            ConfigurationError: an id is of no letter, of several, or of one that is not open any more.
        """
        with told():
            if selection.ids:
                named = [await self._open(each) for each in selection.ids]
                found = list({letter.id: letter for letter in named}.values())
            else:
                found = [each async for each in self._matching(selection)]
        return sorted(found, key=lambda letter: (letter.died_at, letter.id))

    async def payload(self, letter: FiledLetter) -> bytes:
        """The original data.

        Raises:
            PayloadDamaged: the pieces do not make up what was filed.
        """
        pieces = self._collection.document(letter.id).collection("payload").stream()
        with told():
            parts = {each.id: (each.to_dict() or {}).get("data", b"") async for each in pieces}
        data = b"".join(parts[name] for name in sorted(parts))
        if len(data) != letter.size:
            raise PayloadDamaged(
                f"letter {letter.id}: the payload on file has {len(data):,} bytes instead of {letter.size:,}; "
                f"look at {COLLECTION}/{letter.id}/payload, and drop the letter if they are lost"
            )
        return data

    async def settle(self, letter: FiledLetter, state: State, **details: Any) -> None:
        """Move an open letter to its next state; ``details`` are written beside it, with the time.

        Raises:
            LetterChanged: it is not as it was read.
        """
        changes = {"state": state.value, "settled_at": firestore.SERVER_TIMESTAMP, **details}
        guard = self._client.write_option(last_update_time=letter.update_time)
        try:
            await self._collection.document(letter.id).update(changes, option=guard)
        except (FailedPrecondition, NotFound) as error:
            raise LetterChanged(
                f"letter {letter.id} was settled by somebody else, or filed again, meanwhile"
            ) from error

    async def _open(self, prefix: str) -> FiledLetter:
        letter = FiledLetter.read(await find_letter(self._collection, prefix, self._functions))
        if letter.state is not State.OPEN:
            raise ConfigurationError(f"letter {letter.id} is {letter.state} already: only open ones can be settled")
        return letter

    async def _matching(self, selection: Selection) -> AsyncIterator[FiledLetter]:
        # Equality alone: Firestore answers that from the fields' own indexes, without a composite one.
        query = self._collection.where(filter=FieldFilter("state", "==", State.OPEN.value))
        for name, value in (("function", selection.function), ("fault", selection.fault)):
            if value:
                query = query.where(filter=FieldFilter(name, "==", value))
        async for snapshot in query.stream():
            letter = FiledLetter.read(snapshot)
            if selection.reason_contains.lower() in letter.reason.lower():
                yield letter


@contextmanager
def told() -> Iterator[None]:
    """Say in one line that Firestore could not be asked."""
    try:
        yield
    except google_failures() as error:
        raise StoreUnavailable(f"Firestore gave no usable answer: {type(error).__name__}: {error}") from error
