"""What the console looks at and acts on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from google.cloud.firestore import AsyncClient

from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.client import Client
from tidegate.clock import Clock, system_clock
from tidegate.ports import Circuits, Publisher
from tidegate.topology import Topology
from tidegate_ops.insight.lines import Lines
from tidegate_ops.insight.traffic import Traffic, TrafficSource, TrafficUnknown
from tidegate_ops.operations import Operations
from tidegate_ops.pausing import Pausing
from tidegate_ops.project import Project


@dataclass(frozen=True, slots=True)
class Desk:
    """One running application, wherever it runs.

    Attributes:
        project: its sources, for the contracts.
        place: where it runs, in words.
        operator: who acts, where requests do not say.
        client: submits events to the HTTP function of that name; None where nobody knows where it listens.
        every_seconds: how often pages look for what is new.
    """

    project: Project
    topology: Topology
    place: str
    operator: str
    firestore: AsyncClient
    publisher: Publisher
    pausing: Pausing
    circuits: Circuits
    lines: Lines
    traffic: TrafficSource
    client: Callable[[str], Client | None] = lambda function: None
    every_seconds: float = 1.0
    clock: Clock = system_clock

    @classmethod
    def of(cls, operations: Operations, place: str, operator: str, **options: Any) -> Self:
        """The application that the operations are those of; ``options`` are the fields that have defaults."""
        return cls(
            operations.project,
            operations.topology,
            place,
            operator,
            operations.connections.firestore,
            operations.connections.publisher,
            operations.pausing,
            FirestoreCircuits(operations.connections.firestore),
            operations.lines,
            operations.traffic,
            **options,
        )


async def traffic_of(desk: Desk) -> tuple[Traffic | None, str]:
    """The traffic, or why it is not known."""
    try:
        return await desk.traffic.look(), ""
    except TrafficUnknown as error:
        return None, str(error)
