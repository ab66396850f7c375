"""The departure board under test: its modules, departures to show on it, an application of it in memory."""

import csv
from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from google.cloud.firestore import AsyncClient
from starlette.applications import Starlette

from contracts.flights import FlightAssessed, FlightReported
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.function_config import Access, HttpFunctionConfig
from tidegate_ops.project import Project

PROJECT = Project.find(Path(__file__).parent)
ASSESS = PROJECT.load_handler("assess_flight")
POST = PROJECT.load_handler("post_flight")
with PROJECT.importing(PROJECT.functions_dir / "board"):
    from departure_board.application import application
    from departure_board.board_key import BoardKey
    from departure_board.departures import Departures
    from departure_board.horizon import Horizon
    from departure_board.live_board import LiveBoard
    from departure_board.pace import Pace
    from departure_board.security_headers import HEADERS

__all__ = ["HEADERS", "BoardKey", "Departures", "Horizon", "LiveBoard", "Pace", "application"]

NOON = datetime(2013, 2, 8, 12, tzinfo=UTC)
DAY = date(2013, 2, 8)
_SAMPLE = PROJECT.infra / "tidegate_ops" / "demo" / "data" / "flights-2013-02-08.csv"


def flight(number: int = 3267, **values: Any) -> FlightAssessed:
    """A flight from Newark at 15:28, unless ``values`` say otherwise."""
    origin = values.get("origin", "EWR")
    fields = {
        "flight_id": f"EV{number}-{origin}-20130208",
        "carrier": "EV",
        "airline": "ExpressJet Airlines Inc.",
        "number": number,
        "origin": origin,
        "origin_name": "Newark Liberty Intl",
        "destination": "ORF",
        "destination_name": "Norfolk Intl",
        "scheduled_departure": "2013-02-08T15:28:00-05:00",
        "departure_hour": "20130208T15",
        "status": "on_time",
        "delay_minutes": 0,
    }
    return FlightAssessed.model_validate(fields | values)


@cache
def flights_of_the_day(origin: str) -> tuple[FlightAssessed, ...]:
    """What really left an airport on 8 February 2013, or did not, as the desk assesses it."""
    with _SAMPLE.open(encoding="utf-8", newline="") as file:
        records = [record for record in csv.DictReader(file) if record["origin"] == origin]
    reports = [
        FlightReported(manifest_id="sample", origin=origin, date=DAY, line=line, record=record)
        for line, record in enumerate(records, start=2)
    ]
    return tuple(ASSESS.call(report, None)[0] for report in reports)


class Desk:
    """A Firestore in memory, and the board that shows its departures."""

    def __init__(self, pace: Pace | None = None, timeout_seconds: float = 60) -> None:
        self.documents = MemoryDocuments()
        self.firestore = memory_firestore(self.documents)
        self._pace = pace
        self._config = HttpFunctionConfig(
            function="board",
            access=Access.PUBLIC,
            timeout_seconds=timeout_seconds,
            concurrency=80,
            ledger_days=45,
            retention_days=7,
        )

    def application(self) -> Starlette:
        """One instance of the board; each call makes another."""
        return application(site(self._config, self.firestore), self._pace)

    async def post(self, *flights: FlightAssessed) -> None:
        """Post flights as ``post_flight`` does, each in a commit of its own."""
        await post(self.firestore, flights)


def site(config: HttpFunctionConfig, firestore: AsyncClient) -> Any:
    """What the board needs of a `tidegate.Site`."""
    return SimpleNamespace(config=config, ports=SimpleNamespace(firestore=lambda: firestore))


async def post(firestore: AsyncClient, flights: Iterable[FlightAssessed]) -> None:
    """Run the function that files departures, and commit what it leaves in its batch."""
    for each in flights:
        context = SimpleNamespace(firestore=firestore, batch=firestore.batch(), event=SimpleNamespace(time=NOON))
        await POST.call(each, context)
        await context.batch.commit()
