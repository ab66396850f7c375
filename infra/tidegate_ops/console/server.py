"""The console's server: watches a running stack, and shows it on the loopback."""

import asyncio
import getpass
import threading
from contextlib import AsyncExitStack, ExitStack
from types import TracebackType
from typing import Self

from tidegate.client import Client
from tidegate.settings import Settings
from tidegate_ops.console.application import application
from tidegate_ops.console.desk import Desk
from tidegate_ops.console.numbers import METRICS_PATH
from tidegate_ops.console.stack_metrics import StackMetrics
from tidegate_ops.embedded_server import EmbeddedServer
from tidegate_ops.operations import open_operations
from tidegate_ops.project import Project
from tidegate_ops.stack_state import StackState
from tidegate_ops.tap import Tap

PATIENCE_SECONDS = 5.0
"""For so long a submission is tried again before somebody who waits at a form is told."""


class ConsoleServer:
    """While entered, shows the stack of ``state`` on a port of the loopback, from an event loop in a thread of its own.

    ``metrics`` are told of the functions' lines by whoever gets those; of what is published the server tells them.
    """

    def __init__(self, project: Project, state: StackState, metrics: StackMetrics) -> None:
        self._project = project
        self._state = state
        self._metrics = metrics
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="console", daemon=True)

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            topology = self._project.topology()
            topics = sorted({*topology.topics, topology.dead_letter_topic})
            cleanup.enter_context(
                Tap(self._state.pubsub_host, self._state.project, topics, self._metrics.note_published)
            )
            self._thread.start()
            cleanup.callback(self._end_loop)
            self._server = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result()
            cleanup.callback(lambda: asyncio.run_coroutine_threadsafe(self._open.aclose(), self._loop).result())
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
        async with AsyncExitStack() as opened:
            settings = Settings.read(self._state.environment())
            operations = await opened.enter_async_context(
                open_operations(self._project, settings, traffic=self._metrics)
            )
            desk = Desk.of(operations, "Local stack", getpass.getuser(), client=self._client)
            console = application(desk, metrics=self._metrics)
            opened.push_async_callback(console.state.drains.close)
            server = EmbeddedServer(console)
            opened.push_async_callback(server.close)
            self._open = opened.pop_all()
        return server

    def _client(self, function: str) -> Client | None:
        running = self._state.functions.get(function)
        return Client(f"http://127.0.0.1:{running.port}", patience=PATIENCE_SECONDS) if running else None

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
