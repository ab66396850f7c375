"""Keeps functions running: restarts those that end, and those that somebody wants restarted."""

import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from queue import SimpleQueue

from tidegate_ops.function_service import FunctionService
from tidegate_ops.processes import stop_all

_LOOK_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 0.2
_LONGEST_PAUSE_SECONDS = 10.0


class Supervisor:
    """Watches in a thread of its own, from `start` to `close`.

    A function that ends is started again at once, as Cloud Run would; one that keeps ending, after ever
    longer pauses. ``on_line`` is told as if the function had written it; ``on_restart`` follows each restart.
    """

    def __init__(
        self,
        services: Collection[FunctionService],
        *,
        on_line: Callable[[str, str], None],
        on_restart: Callable[[], None],
    ) -> None:
        self._services = {service.name: service for service in services}
        self._on_line = on_line
        self._on_restart = on_restart
        self._wanted: SimpleQueue[str] = SimpleQueue()
        self._pending: set[str] = set()
        self._patience = {service.name: Patience() for service in services}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Restart nothing any more; returns when no restart is under way."""
        self._closing.set()
        self._thread.join()

    def restart(self, names: Iterable[str]) -> None:
        """Restart these functions soon; may be called from any thread."""
        for name in names:
            self._wanted.put(name)

    def _run(self) -> None:
        while not self._closing.wait(_LOOK_SECONDS):
            self._restart_wanted()
            for service in self._services.values():
                if not service.process.alive:
                    self._revive(service)

    def _restart_wanted(self) -> None:
        edits = self._wanted.qsize()
        self._pending.update(self._wanted.get() for _ in range(edits))
        if edits or not self._pending:
            return  # an edit rarely comes alone: wait for a quiet moment
        names, self._pending = sorted(self._pending), set()
        services = [self._services[name] for name in names]
        stop_all(service.process for service in services)
        for service in services:
            service.process.start()
            self._on_line(service.name, "reloaded")
        self._on_restart()

    def _revive(self, service: FunctionService) -> None:
        patience, now = self._patience[service.name], time.monotonic()
        if now < patience.not_before:
            return
        ending = service.process.ending
        service.process.restart()
        patience.spend(now)
        self._on_line(service.name, f"ended with {ending}; started again")
        self._on_restart()


@dataclass(slots=True)
class Patience:
    """When a function that ended may be started again; in seconds of the monotonic clock."""

    not_before: float = 0.0
    pause: float = _FIRST_PAUSE_SECONDS

    def spend(self, now: float) -> None:
        """Note a start: the next pause is twice as long, unless this one came after a good while."""
        calm = now - self.not_before > _LONGEST_PAUSE_SECONDS
        self.pause = _FIRST_PAUSE_SECONDS if calm else min(_LONGEST_PAUSE_SECONDS, self.pause * 2)
        self.not_before = now + self.pause
