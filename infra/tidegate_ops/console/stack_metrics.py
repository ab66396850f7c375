"""A running stack in numbers, made of its functions' log lines and of what is published."""

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from tidegate.breakers import Phase
from tidegate.messages import Message
from tidegate.topology import Topology
from tidegate.verdicts import Verdict
from tidegate_ops.console.backlog import Backlog
from tidegate_ops.console.exposition import Counter, Gauge, Histogram, rendered
from tidegate_ops.insight.traffic import Traffic
from tidegate_ops.insight.traffic_recorder import BOUNDS, TrafficRecorder
from tidegate_ops.log_line import parse

_ATTEMPTS = (1, 2, 3, 5, 8, 13)
_RAN = (Verdict.DONE, Verdict.RETRY, Verdict.DEAD)


class StackMetrics:
    """Told of everything from any thread, and asked from any other. Implements `TrafficSource`."""

    def __init__(self, topology: Topology) -> None:
        self._lock = threading.Lock()
        self._backlog = Backlog(topology)
        self._recorder = TrafficRecorder(topology.functions, topology.topics)
        self._deliveries = Counter(
            "tidegate_deliveries_total", "Deliveries that ended, by how they did.", ("function", "verdict")
        )
        self._published = Counter("tidegate_published_messages_total", "Messages that were published.", ("topic",))
        self._emitted = Counter("tidegate_emitted_events_total", "Events that a function emitted.", ("function",))
        self._duration = Histogram(
            "tidegate_delivery_duration_seconds",
            "From receipt to answer, of deliveries that ran their handler.",
            ("function",),
            BOUNDS,
        )
        self._latency = Histogram(
            "tidegate_publish_to_done_seconds", "From publication to done.", ("function",), BOUNDS
        )
        self._attempts = Histogram(
            "tidegate_attempts", "Runs that an event took until it was done or given up.", ("function",), _ATTEMPTS
        )

    def note(self, line: str) -> None:
        """Take a line that a component wrote; only those of deliveries count."""
        fields = parse(line)
        if fields and fields.get("action") == "delivery":
            # A handler may print what it likes, also what only begins like a line of the runtime.
            with self._lock, suppress(KeyError, TypeError, ValueError):
                self._note_delivery(fields)

    def note_published(self, topic: str, message: Message) -> None:
        """Take a message that was published."""
        with self._lock:
            self._published.add(topic)
            self._recorder.published(topic)
            self._backlog.published(topic, message)

    async def look(self) -> Traffic:
        """What has gone through the stack in the last minutes."""
        with self._lock:
            return self._recorder.traffic(self._backlog.counts)

    def page(self, breakers: Mapping[str, Phase]) -> str:
        """All of it, with the breakers' states, as Prometheus reads it."""
        backlog = Gauge("tidegate_backlog_messages", "Messages published and not acked yet.", ("function",))
        states = Gauge("tidegate_breaker_state", "1 for the state that it is in.", ("dependency", "state"))
        for dependency, phase in breakers.items():
            for each in Phase:
                states.set(dependency, each, to=each is phase)
        with self._lock:
            for function, count in self._backlog.counts.items():
                backlog.set(function, to=count)
            told = (self._deliveries, self._duration, self._latency, self._attempts, self._emitted, self._published)
            return rendered((*told, backlog, states))

    def _note_delivery(self, fields: Mapping[str, Any]) -> None:
        function, verdict, weight = str(fields["function"]), Verdict(fields["verdict"]), float(fields["weight"])
        self._deliveries.add(function, verdict, by=weight)
        if verdict.acked:
            self._backlog.acked(function, str(fields["message_id"]))
        if emitted := fields["emitted"]:
            self._emitted.add(function, by=emitted * weight)
        duration = fields["duration_ms"] / 1000 if fields["attempt"] and verdict in _RAN else None
        latency = fields["latency_ms"] / 1000 if verdict is Verdict.DONE and "latency_ms" in fields else None
        if duration is not None:
            self._duration.observe(function, value=duration, weight=weight)
        if latency is not None:
            self._latency.observe(function, value=latency, weight=weight)
        self._recorder.delivered(function, verdict, weight, duration=duration, latency=latency)
        if verdict in (Verdict.DONE, Verdict.DEAD):
            self._attempts.observe(function, value=fields["attempt"], weight=weight)
