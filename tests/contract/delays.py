"""Timers under test: each adapter, and the broker that it publishes to."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.contract.brokers import Broker, EmulatorBroker, KeepingMemoryBroker, emulator_broker
from tests.wound_clock import WoundClock
from tidegate.adapters.cloud_tasks_timers import CloudTasksTimers
from tidegate.adapters.google_clients import tasks_client
from tidegate.adapters.memory_timers import MemoryTimers
from tidegate.clock import Clock
from tidegate.ports import Timers
from tidegate.settings import Settings
from tidegate_ops.timer_service import TimerService


@dataclass(frozen=True)
class Delays:
    """The adapter under test, and where its messages arrive.

    Attributes:
        advance: winds its ``clock``, by seconds.
    """

    timers: Timers
    broker: Broker
    clock: Clock
    advance: Callable[[float], None]


@asynccontextmanager
async def memory_delays(leap: Callable[[float], None]) -> AsyncIterator[Delays]:
    """Everything in this event loop, whose time passes by ``leap``."""
    broker, clock = KeepingMemoryBroker(), WoundClock()
    timers = MemoryTimers(broker.publisher, clock=clock)

    def advance(seconds: float) -> None:
        clock.advance(seconds)
        leap(seconds)

    yield Delays(timers, broker, clock, advance)
    await timers.close()
    await broker.publisher.close()


@asynccontextmanager
async def service_delays(pubsub_host: str, directory: Path) -> AsyncIterator[Delays]:
    """Google's own client, the local service and the Pub/Sub emulator."""
    clock = WoundClock()
    with TimerService(directory / "timers.sqlite3", clock=clock) as service:
        async with emulator_broker(pubsub_host) as broker, cloud_timers(service.host, pubsub_host, broker) as timers:
            yield Delays(timers, broker, clock, clock.advance)


@asynccontextmanager
async def cloud_timers(host: str, pubsub_host: str, broker: EmulatorBroker) -> AsyncIterator[CloudTasksTimers]:
    """The adapter on a service at ``host``, disconnected at the end."""
    client = tasks_client(Settings(project=broker.project, tasks_host=host))
    try:
        yield CloudTasksTimers(
            lambda: client,
            project=broker.project,
            queue=f"projects/{broker.project}/locations/local/queues/delayed",
            service_account="",
            publish_base_url=f"http://{pubsub_host}",
            timeout_seconds=10,
        )
    finally:
        await client.transport.close()
