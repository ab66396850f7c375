"""Records to write in tests of the ledgers."""

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

from tidegate.records import Record, Status

NOON = datetime(2013, 2, 8, 12, 0, 0, 123456, tzinfo=UTC)


def claim(**changes: Any) -> Record:
    """A claimed record, with changes."""
    claimed = Record(
        function="rebook_passengers",
        event_id="event-1",
        status=Status.CLAIMED,
        owner="first",
        attempt=1,
        lease_until=NOON,
        payload_hash="ab" * 32,
        expire_at=NOON + timedelta(days=45),
    )
    return dataclasses.replace(claimed, **changes)
