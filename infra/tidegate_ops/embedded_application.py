"""The whole application in one event loop, on the memory adapters."""

import secrets
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.firestore_lanes import FirestoreLanes
from tidegate.adapters.firestore_pauses import FirestorePauses
from tidegate.adapters.memory_broker import MemoryBroker, Push, PushSubscription
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.memory_ledger import MemoryLedger
from tidegate.adapters.memory_subscriptions import MemorySubscriptions
from tidegate.adapters.memory_timers import MemoryTimers
from tidegate.clock import Clock, system_clock
from tidegate.controls import Controls
from tidegate.function_config import deployed_name
from tidegate.handlers import Handler, HttpHandler
from tidegate.http_service import HttpService
from tidegate.messages import Message
from tidegate.ports import Ledger, Ports
from tidegate.reports import Report
from tidegate.service import Service
from tidegate.settings import Settings
from tidegate.sites import Site
from tidegate.topology import Topology
from tidegate_ops.emulators import DEFAULT_PROJECT

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_IN_MEMORY = "in memory"  # in place of an emulator's address: this is no cloud, and nobody checks callers


class EmbeddedApplication:
    """Every function of a topology behind a push subscription of a broker in memory.

    Requests and bodies are those of the cloud: only what carries them is missing, and with it
    everything that comes of separate processes. Nothing survives the process.

    Attributes:
        http: the HTTP functions, to be served inside the same event loop.
    """

    def __init__(
        self,
        topology: Topology,
        handlers: Mapping[str, Handler],
        http_handlers: Mapping[str, HttpHandler] = MappingProxyType({}),
        *,
        environment: Mapping[str, str],
        on_report: Callable[[Report], None],
        on_message: Callable[[str, Message], None],
        clock: Clock = system_clock,
        documents: MemoryDocuments | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        """Without ``documents`` there are none at first; ``ledger`` is by default one among them."""
        self.documents = documents or MemoryDocuments(clock)
        self.broker = MemoryBroker(
            sorted({*topology.topics, topology.dead_letter_topic}), clock=clock, observe=on_message
        )
        self.timers = MemoryTimers(self.broker, clock=clock)
        firestore = memory_firestore(self.documents)
        controls = Controls(FirestorePauses(firestore), MemorySubscriptions(self.broker))
        ports = Ports(
            ledger=ledger or MemoryLedger(self.documents),
            publisher=self.broker,
            jobs=FirestoreJobs(firestore),
            timers=self.timers,
            circuits=FirestoreCircuits(firestore),
            lanes=FirestoreLanes(firestore),
            firestore=lambda: firestore,
            observe=on_report,
            draw=lambda: secrets.token_hex(8),
            clock=clock,
            controls=lambda: controls,
        )
        for name, handler in handlers.items():
            service = Service(handler, topology.config(name), ports, environment)
            self.broker.subscribe(subscription(topology, name, pusher(service)))
        settings = Settings(
            DEFAULT_PROJECT,
            firestore_emulator_host=_IN_MEMORY,
            pubsub_emulator_host=_IN_MEMORY,
            environment=environment,
        )
        self.http: Mapping[str, ASGIApp] = {
            name: HttpService(handler, Site(topology.http_config(name), settings, ports))
            for name, handler in http_handlers.items()
        }


def subscription(topology: Topology, name: str, push: Push) -> PushSubscription:
    """The push subscription of function ``name``, as the cloud has it."""
    function = topology.functions[name]
    # A letter keeps its event's attributes, so the death of a redriven event bears the target of that
    # redrive: a filter would lose it. Nor has what cannot be filed anywhere else to go.
    files_letters = function.topic == topology.dead_letter_topic
    return PushSubscription(
        name=deployed_name(name),
        topic=function.topic,
        push=push,
        target="" if files_letters else name,
        ordered=function.ordered,
        in_flight=function.concurrency,
        ack_deadline_seconds=topology.ack_deadline_seconds(name),
        min_backoff_seconds=function.backoff.min_seconds,
        max_backoff_seconds=function.backoff.max_seconds,
        max_deliveries=None if files_letters else topology.limits.max_deliveries,
        dead_letter_topic=topology.dead_letter_topic,
    )


def pusher(service: Service) -> Push:
    """What a subscription pushes to, so that it ends up in ``service``."""

    async def push(headers: Mapping[str, str], body: bytes) -> int:
        return (await service.receive(headers, body)).status

    return push
