"""The console's server: watches a running stack, and shows it on the loopback."""

import asyncio
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.adapters.google_clients import firestore_client
from tidegate.breakers import Phase
from tidegate.settings import Settings
from tidegate.topology import Topology
from tidegate_ops.console.application import METRICS_PATH, application
from tidegate_ops.console.stack_metrics import StackMetrics
from tidegate_ops.embedded_server import EmbeddedServer
from tidegate_ops.insight.breakers import phases
from tidegate_ops.stack_state import StackState
from tidegate_ops.tap import Tap


class ConsoleServer:
    """While entered, shows the stack of ``state`` on a port of the loopback, from an event loop in a thread of its own.

    ``metrics`` are told of the functions' lines by whoever gets those; of what is published the server tells them.
    """

    def __init__(self, topology: Topology, state: StackState, metrics: StackMetrics) -> None:
        self._topology = topology
        self._state = state
        self._metrics = metrics
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="console", daemon=True)

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            topics = sorted({*self._topology.topics, self._topology.dead_letter_topic})
            cleanup.enter_context(
                Tap(self._state.pubsub_host, self._state.project, topics, self._metrics.note_published)
            )
            self._thread.start()
            cleanup.callback(self._end_loop)
            self._server = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
            cleanup.callback(lambda: asyncio.run_coroutine_threadsafe(self._server.close(), self._loop).result())
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    @property
    def url(self) -> str:
        """Where people and other commands find it."""
        return self._server.url

    @property
    def metrics_url(self) -> str:
        """Where Prometheus reads."""
        return self._server.url.rstrip("/") + METRICS_PATH

    async def _serve(self) -> EmbeddedServer:
        circuits = FirestoreCircuits(firestore_client(Settings.read(self._state.environment())))

        async def breakers() -> Mapping[str, Phase]:
            return await phases(self._topology, circuits)

        return EmbeddedServer(application(self._metrics, breakers))

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
