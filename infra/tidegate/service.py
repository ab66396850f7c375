"""A function as a service: from an HTTP request to its answer, whatever carries the HTTP."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tidegate.contracts import Contract
from tidegate.dependencies import Dependencies
from tidegate.engine import Engine
from tidegate.errors import ConfigurationError
from tidegate.function_config import FunctionConfig
from tidegate.handlers import Handler
from tidegate.inputs import read
from tidegate.late import late
from tidegate.log_settings import LogSettings
from tidegate.ports import Ports
from tidegate.settings import Settings
from tidegate.stopping import REASON, Stopping
from tidegate.traces import Sampling
from tidegate.verdicts import Verdict

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncClient

    from tidegate.controls import Controls
    from tidegate.job_ports import Jobs
    from tidegate.ports import Circuits, Lanes, Timers

_STATUS = {
    Verdict.DONE: 200,
    Verdict.DUPLICATE: 200,
    Verdict.SHED: 200,
    Verdict.DEAD: 200,
    Verdict.FILTERED: 200,
    # Pub/Sub delivers again whatever is not 102, 200, 201, 202 or 204.
    Verdict.BUSY: 409,
    Verdict.RETRY: 503,
}
FULL = 429
STOPPING = 503


@dataclass(frozen=True, slots=True)
class Answer:
    """What a delivery is answered with; Pub/Sub reads the status alone."""

    status: int
    body: dict[str, str]


class Service:
    """One function instance: its engine, and the cap on how much it takes at a time."""

    def __init__(self, handler: Handler, config: FunctionConfig, ports: Ports, environment: Mapping[str, str]) -> None:
        check(handler, config)
        self._capacity = config.concurrency
        self._underway = 0
        self._stopping = Stopping()
        dependencies = Dependencies(config.dependencies, environment, ports)
        self._engine = Engine(handler, config, ports, dependencies, stopping=self._stopping)

    def stop(self) -> None:
        """Take no further delivery, and give back those that are still under way when the grace is over."""
        self._stopping.begin()

    async def receive(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Handle one request.

        Args:
            headers: with lower-case names.
        """
        if self._stopping.begun:
            return _refused(STOPPING, REASON)
        if self._underway >= self._capacity:
            return _refused(FULL, f"{self._capacity} deliveries are under way")
        if self._engine.overrun >= self._capacity:
            return _refused(FULL, f"{self._capacity} threads are lost to handlers that ran past their timeout")
        self._underway += 1
        try:
            report = await self._engine.deliver(read(headers, body))
        finally:
            self._underway -= 1
        return Answer(
            _STATUS[report.verdict],
            {"verdict": str(report.verdict), "event_id": report.event_id, "reason": report.reason},
        )


def _refused(status: int, reason: str) -> Answer:
    return Answer(status, {"verdict": str(Verdict.BUSY), "reason": reason})


def check(handler: Handler, config: FunctionConfig) -> None:
    """Hold a handler against the configuration that it is deployed with.

    Raises:
        ConfigurationError: they do not belong together.
    """
    if config.function != handler.name:
        raise ConfigurationError(f"the configuration is for {config.function}, the handler is {handler.name}")
    contract = handler.contract
    consumed = contract.event_type if issubclass(contract, Contract) else config.dead_letter_topic
    if consumed != config.topic:
        raise ConfigurationError(f"{handler.name} reads {consumed}, but its subscription is on {config.topic}")
    undeclared = sorted({each.event_type for each in handler.emits} - set(config.emits))
    if undeclared:
        raise ConfigurationError(f"{handler.name} returns {', '.join(undeclared)}, missing under its emits")


def google_ports(settings: Settings) -> Ports:
    """The ports on Google Cloud, or on its emulators. Call it inside the running event loop.

    What every delivery uses is made at once; the rest, and Google's clients, which take long to load, with their
    first use.
    """
    from tidegate.adapters.firestore_ledger import FirestoreLedger
    from tidegate.adapters.firestore_wire import firestore_wire
    from tidegate.adapters.google_channels import pubsub_channel
    from tidegate.adapters.pubsub_publisher import PubSubPublisher
    from tidegate.logs import observer
    from tidegate.telemetry import collected

    @cache
    def firestore() -> "AsyncClient":
        from tidegate.adapters.google_clients import firestore_client

        return firestore_client(settings)

    def jobs() -> "Jobs":
        from tidegate.adapters.firestore_jobs import FirestoreJobs

        return FirestoreJobs(firestore())

    def timers() -> "Timers":
        from tidegate.adapters.cloud_tasks_timers import cloud_tasks_timers

        return cloud_tasks_timers(settings)

    def circuits() -> "Circuits":
        from tidegate.adapters.firestore_circuits import FirestoreCircuits

        return FirestoreCircuits(firestore())

    def lanes() -> "Lanes":
        from tidegate.adapters.firestore_lanes import FirestoreLanes

        return FirestoreLanes(firestore())

    @cache
    def controls() -> "Controls":
        from tidegate.adapters.google_controls import google_controls

        return google_controls(settings, firestore())

    ports = Ports(
        ledger=FirestoreLedger(firestore_wire(settings)),
        publisher=PubSubPublisher(pubsub_channel(settings), settings.project),
        jobs=late(jobs),
        timers=late(timers),
        circuits=late(circuits),
        lanes=late(lanes),
        firestore=firestore,
        observe=observer(LogSettings.read(settings.environment)),
        draw=lambda: secrets.token_hex(8),
        sampling=Sampling.read(settings.environment),
        controls=controls,
    )
    return collected(ports, settings)
