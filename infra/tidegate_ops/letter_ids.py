"""Finding a dead letter by as much of its id as people copy."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from google.cloud.firestore import AsyncCollectionReference, DocumentSnapshot
from google.cloud.firestore_v1.base_query import FieldFilter

from tidegate.errors import ConfigurationError

_NAMED = 5
_LAST_CHARACTER = "\uf8ff"
"""Sorts after every character that an id is made of."""


async def find_letter(
    letters: AsyncCollectionReference, prefix: str, functions: Iterable[str]
) -> DocumentSnapshot[Any]:
    """The letter whose id begins so; the name, one of ``functions``, at the id's begin may be left out.

    Raises:
        ConfigurationError: no letter's id does, or several do.
    """
    exact = await letters.document(prefix).get()
    if exact.exists:
        return exact
    beginnings = [prefix, *(f"{function}.{prefix}" for function in functions)]
    found = {each.id: each for beginning in beginnings async for each in _beginning(letters, beginning)}
    if not found:
        raise ConfigurationError(f"there is no dead letter {prefix}: `tidegate dead list` shows those there are")
    if len(found) > 1:
        names = "\n".join(f"  {each}" for each in _first(sorted(found)))
        raise ConfigurationError(f"{prefix} begins the ids of several dead letters, write more of it:\n{names}")
    return found.popitem()[1]


async def _beginning(letters: AsyncCollectionReference, prefix: str) -> AsyncIterator[DocumentSnapshot[Any]]:
    """The first few letters whose id begins so."""
    begin, end = letters.document(prefix), letters.document(prefix + _LAST_CHARACTER)
    query = letters.where(filter=FieldFilter("__name__", ">=", begin)).where(filter=FieldFilter("__name__", "<=", end))
    async for snapshot in query.limit(_NAMED + 1).stream():
        yield snapshot


def _first(names: list[str]) -> list[str]:
    return names if len(names) <= _NAMED else [*names[:_NAMED], "…"]
