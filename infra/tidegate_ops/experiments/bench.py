"""A running application to try something on: the project's own, on the emulators, with a partner that obeys."""

import threading
from collections.abc import Callable, Iterable, Mapping, Set
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import psutil

from tidegate.errors import TidegateError
from tidegate.messages import Outgoing
from tidegate.topology import Topology
from tidegate.verdicts import Verdict
from tidegate_ops.broker import LocalBroker
from tidegate_ops.demo.partner import Partner
from tidegate_ops.demo.world import EmulatorWorld, emulator_firestore
from tidegate_ops.local_stack import LocalStack
from tidegate_ops.log_line import parse
from tidegate_ops.project import Project

TOPIC = "flight.cancelled"
FUNCTION = "rebook_passengers"
"""Handles `TOPIC`, and asks the partner to."""
DEPENDENCY = "rebooking-api"
"""The partner, as the topology calls it."""


class Stalled(TidegateError):
    """Something is under way, yet nothing moves any more; the message says how far it got."""


class Deliveries:
    """What `FUNCTION` says of its deliveries; told from one thread, asked from others.

    Attributes:
        most_attempts: the greatest number of runs that any event has taken.
    """

    def __init__(self) -> None:
        self.most_attempts = 0
        self._changed = threading.Condition()
        self._ended: dict[str, Verdict] = {}

    def note(self, component: str, line: str) -> None:
        """Take a line; this is a stack's ``on_line``."""
        fields = parse(line) if component == FUNCTION else None
        if not fields or fields.get("action") != "delivery":
            return
        verdict = Verdict(fields["verdict"])
        with self._changed:
            self.most_attempts = max(self.most_attempts, fields["attempt"])
            if verdict.acked:
                self._ended.setdefault(fields["event_id"], verdict)
                self._changed.notify_all()

    @property
    def ended(self) -> int:
        """How many events have come to their end."""
        return len(self._ended)

    @property
    def dead(self) -> int:
        """How many of these were given up."""
        return sum(verdict is Verdict.DEAD for verdict in [*self._ended.values()])

    def wait(self, holds: Callable[[Set[str]], bool], stalled_seconds: float) -> None:
        """Return once ``holds`` is true of the events that have ended.

        Raises:
            Stalled: it is not, and for so long no event has ended.
        """
        with self._changed:
            while not holds(self._ended.keys()):
                if not self._changed.wait(stalled_seconds):
                    raise Stalled(f"{self.ended} events have ended, and no more for {stalled_seconds:g} s")


class Bench:
    """While entered, the application runs with ``topology`` in place of the project's own."""

    def __init__(self, project: Project, topology: Topology, partner: Partner, say: Callable[[str], None]) -> None:
        self.deliveries = Deliveries()
        self._stack = LocalStack(
            project.altered(topology),
            environment={"REBOOKING_API_URL": partner.url},
            on_line=self.deliveries.note,
        )
        self._say = say
        self._cleanup = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            self._say("starting the application")
            stack = cleanup.enter_context(self._stack)
            self._broker = cleanup.enter_context(LocalBroker(stack.state.pubsub_host, stack.state.project))
            firestore = emulator_firestore(self._broker.project, stack.state.firestore_host)
            cleanup.callback(firestore.close)
            self._world = EmulatorWorld(self._broker, firestore, stack.urls)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()

    @property
    def gateway(self) -> str:
        """Where the gateway is open."""
        return self._world.urls["gateway"]

    def publish(self, messages: Iterable[Outgoing]) -> None:
        """Publish; returns when all are accepted."""
        self._world.publish([*messages])

    def documents(self, collection: str) -> Mapping[str, Mapping[str, Any]]:
        """The documents of a collection, by their ids."""
        return self._world.documents(collection)

    def megabytes(self, function: str) -> float:
        """The memory that a function's processes have resident; 0 while there are none."""
        try:
            master = psutil.Process(self._stack.state.functions[function].pid)
            processes = [master, *master.children(recursive=True)]
            return float(sum(each.memory_info().rss for each in processes)) / 1e6
        except psutil.NoSuchProcess:
            return 0.0
