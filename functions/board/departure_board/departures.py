"""Departures in Firestore, as ``post_flight`` files them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from google.api_core.exceptions import GoogleAPIError
from google.cloud.firestore import AsyncClient, Query
from google.cloud.firestore_v1.base_document import DocumentSnapshot
from google.cloud.firestore_v1.base_query import FieldFilter

from departure_board.board_key import BoardKey
from tidegate.errors import StoreUnavailable

_COLLECTION = "departures"
_READ_SECONDS = 10
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Departure:
    """A flight on a board.

    Attributes:
        scheduled: local time with its UTC offset, ISO 8601.
        delay_minutes: negative if early; None if cancelled.
    """

    flight_id: str
    carrier: str
    airline: str
    number: int
    destination: str
    destination_name: str | None
    scheduled: str
    status: str
    delay_minutes: int | None


@dataclass(frozen=True, slots=True)
class Posting:
    """A departure as it stands in Firestore.

    Attributes:
        version: microseconds since 1970 at which it was committed. Later commits have greater ones, and
            whoever sees a commit sees all those with smaller ones: Firestore orders its commits so.
        posted_at: when Firestore was asked to write it, which does not order commits, but can be queried.
    """

    departure: Departure
    version: int
    posted_at: datetime


class Departures:
    """What boards ask of Firestore. Every method raises StoreUnavailable where there is no answer."""

    def __init__(self, client: AsyncClient) -> None:
        self._collection = client.collection(_COLLECTION)

    async def newest_day(self) -> date | None:
        """The last local day that has departures; None if there are none at all."""
        query = self._collection.order_by("scheduled_departure", direction=Query.DESCENDING).limit(1)
        async with _answered():
            newest = await query.get()
        return date.fromisoformat(newest[0].get("day")) if newest else None

    async def posted(self, board: BoardKey, after: datetime | None) -> list[Posting]:
        """What was posted to a board after a moment, or ever; all of it as of one moment."""
        query = self._collection.where(filter=FieldFilter("origin", "==", board.airport)).where(
            filter=FieldFilter("day", "==", board.day.isoformat())
        )
        if after is not None:
            query = query.where(filter=FieldFilter("posted_at", ">", after))
        async with _answered():
            found = await query.get()
        return [_posting(each) for each in found]


@asynccontextmanager
async def _answered() -> AsyncIterator[None]:
    try:
        # The library itself would try again for minutes: a board says earlier that it is behind.
        async with asyncio.timeout(_READ_SECONDS):
            yield
    except (GoogleAPIError, TimeoutError) as error:
        raise StoreUnavailable(f"departures cannot be read: {type(error).__name__}: {error}") from error


def _posting(snapshot: DocumentSnapshot[Any]) -> Posting:
    fields = snapshot.to_dict()
    assert fields is not None  # a query finds no missing documents
    departure = Departure(
        flight_id=snapshot.id,
        carrier=fields["carrier"],
        airline=fields["airline"],
        number=fields["number"],
        destination=fields["destination"],
        destination_name=fields["destination_name"],
        scheduled=fields["scheduled_departure"],
        status=fields["status"],
        delay_minutes=fields["delay_minutes"],
    )
    version = (snapshot.update_time - _EPOCH) // timedelta(microseconds=1)
    return Posting(departure, version, fields["posted_at"])
