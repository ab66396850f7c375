"""The embedded engine: the application in this process, for machines without the emulators."""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, Self, TypeVar

from tidegate.adapters.memory_documents import Document
from tidegate.log_settings import LogSettings
from tidegate.logs import delivery_line
from tidegate.messages import Message, Outgoing
from tidegate.reports import Report
from tidegate_ops.embedded_application import EmbeddedApplication
from tidegate_ops.embedded_server import EmbeddedServer
from tidegate_ops.emulators import DEFAULT_PROJECT
from tidegate_ops.project import Project
from tidegate_ops.scheduler import Scheduler

T = TypeVar("T")

_LOGS = LogSettings(DEFAULT_PROJECT, shows_data=True)  # who runs it here has the data as well


class EmbeddedStack:
    """While entered, the application runs on an event loop in a thread of its own.

    The same topology and handlers as everywhere, loaded from their source; see
    `EmbeddedApplication` for what is missing. ``on_line`` and ``on_message`` are called from the
    loop's thread: the first with (function, JSON line) for each delivery, the second with
    (topic, message) for each message published. HTTP functions are open on the loopback, see `urls`.
    """

    def __init__(
        self,
        project: Project,
        *,
        environment: Mapping[str, str] | None = None,
        on_line: Callable[[str, str], None] = lambda function, line: None,
        on_message: Callable[[str, Message], None] = lambda topic, message: None,
    ) -> None:
        self._project = project
        self._environment = dict(environment or {})
        self._on_line = on_line
        self._on_message = on_message
        self._loop = asyncio.new_event_loop()
        self._servers: dict[str, EmbeddedServer] = {}
        self._thread = threading.Thread(target=self._loop.run_forever, name="embedded-engine", daemon=True)

    def __enter__(self) -> Self:
        topology = self._project.topology()
        handlers = {name: self._project.load_handler(name) for name in topology.functions}
        http_handlers = {name: self._project.load_http_handler(name) for name in topology.http_functions}
        self._scheduler = Scheduler(topology.schedules, publish=self.publish)
        self._thread.start()
        self._application = self._call(
            lambda: EmbeddedApplication(
                topology,
                handlers,
                http_handlers,
                environment=self._environment,
                on_report=self._report,
                on_message=self._on_message,
            )
        )
        self._servers = self._call(
            lambda: {name: EmbeddedServer(application) for name, application in self._application.http.items()}
        )
        self._scheduler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._scheduler.close()
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def urls(self) -> Mapping[str, str]:
        """Where each HTTP function is open to people and clients."""
        return {name: server.url for name, server in self._servers.items()}

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish from any thread but the loop's own; returns when all are accepted.

        Raises:
            PublishFailed: a topic does not exist; nothing was published.
        """
        asyncio.run_coroutine_threadsafe(self._application.broker.publish(messages), self._loop).result()

    def documents(self, collection: str) -> dict[str, dict[str, Any]]:
        """The documents of a collection by their ids, as of now."""

        def read() -> dict[str, dict[str, Any]]:
            found: Sequence[Document] = self._application.documents.list(collection)
            return {each.path.rpartition("/")[2]: dict(each.fields) for each in found}

        return self._call(read)

    async def _close(self) -> None:
        await asyncio.gather(*(server.close() for server in self._servers.values()))
        await self._application.timers.close()
        await self._application.broker.close()

    def _report(self, report: Report) -> None:
        self._on_line(report.function, json.dumps(delivery_line(report, _LOGS)))

    def _call(self, action: Callable[[], T]) -> T:
        """Run ``action`` on the loop's thread: what it touches belongs to the loop."""
        answer: Future[T] = Future()

        def run() -> None:
            try:
                answer.set_result(action())
            except BaseException as error:
                answer.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return answer.result()
