"""How far a run is: which messages were seen, which deliveries ended, which jobs settled, and what is still owed."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from tidegate.client import JobStatus
from tidegate.errors import TidegateError
from tidegate.messages import Message
from tidegate.pauses import WOKEN
from tidegate.topology import Topology
from tidegate.verdicts import Verdict
from tidegate_ops.demo.duplicates import event_id

_TICK_SECONDS = 0.1
_NAMED = 3


class Stalled(TidegateError):
    """Something is under way, yet nothing moves any more; the message names what is outstanding."""


@dataclass(frozen=True, slots=True)
class TopicCount:
    """What passed on a topic.

    Attributes:
        messages: all of them, repeated ones included.
        events: different ones.
        copies: how many were published a second time on purpose; further repeats are the runtime's own.
    """

    messages: int
    events: int
    copies: int


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds without a move to wait: while something is under way, and while nothing is known to be."""

    stalled_seconds: float = 90
    idle_seconds: float = 5


class Progress:
    """Collects what the tap, the functions' logs and the jobs tell, from any thread.

    A run is *idle* when nothing that is known of is under way: each message on a consumed topic is acked by its
    consumers, all that completed handlings emitted has passed, and each job says that it has settled. It is
    *settled* when it is idle and the expected numbers of events have been handled. The governor's own events, which
    come each minute, are passed over.
    """

    def __init__(
        self,
        topology: Topology,
        *,
        expected: Mapping[str, int],
        published: int,
        jobs: Iterable[str],
        is_copied: Callable[[str, str], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        Args:
            expected: function → how many events it must bring to an end.
            published: how many events pass that no handler returned.
            jobs: what the jobs are called that have to settle.
            is_copied: (topic, event id) → whether that message is to be published twice.
        """
        self._expected = dict(expected)
        self._published = published
        self._is_copied = is_copied
        self._monotonic = monotonic
        self._consumers = {
            topic: [name for name, function in topology.functions.items() if function.topic == topic]
            for topic in topology.topics
        }
        self._dead_letter_topic = topology.dead_letter_topic
        self._governors = topology.subscribers(WOKEN)
        self._lock = threading.Lock()
        self._failed = threading.Event()
        self._failure: Exception | None = None
        self._moved_at = monotonic()
        self._seen: dict[str, dict[str, set[str]]] = {topic: {} for topic in topology.topics}
        self._copies: Counter[str] = Counter()
        self._owed_copies: set[tuple[str, str]] = set()
        self._acked: set[tuple[str, str]] = set()
        self._unacked: dict[tuple[str, str], str] = {}
        self._handled: dict[str, set[str]] = {name: set() for name in topology.functions}
        self._dead: set[str] = set()
        self._emitted = 0
        self._jobs: dict[str, JobStatus | None] = dict.fromkeys(jobs)

    def saw(self, topic: str, message: Message) -> bool:
        """Note a message that passed; True if it is to be published once more, which is owed from now on."""
        if topic == WOKEN:
            return False
        event = event_id(message)
        with self._lock:
            sightings = self._seen[topic].setdefault(event, set())
            if message.id in sightings:
                return False  # the tap itself may be told twice
            sightings.add(message.id)
            self._moved_at = self._monotonic()
            for function in self._consumers[topic]:
                if (function, message.id) not in self._acked:
                    self._unacked[function, message.id] = event
            self._owed_copies.discard((topic, event))
            copied = len(sightings) == 1 and self._is_copied(topic, event)
            if copied:
                self._copies[topic] += 1
                self._owed_copies.add((topic, event))
            return copied

    def delivered(self, line: Mapping[str, Any]) -> None:
        """Note a delivery's log line."""
        verdict, function, event = Verdict(line["verdict"]), str(line["function"]), str(line["event_id"])
        if not verdict.acked or function in self._governors:
            return
        with self._lock:
            self._moved_at = self._monotonic()
            self._acked.add((function, line["message_id"]))
            self._unacked.pop((function, line["message_id"]), None)
            if verdict is not Verdict.FILTERED:
                self._handled[function].add(event)
            if verdict is Verdict.DONE:
                self._emitted += line["emitted"]
            elif verdict is Verdict.DEAD:
                self._dead.add(f"{function}:{event}")

    def told(self, job: str, status: JobStatus) -> None:
        """Note how far a job is."""
        with self._lock:
            if status != self._jobs[job]:
                self._moved_at = self._monotonic()
            self._jobs[job] = status

    def fail(self, error: Exception) -> None:
        """Let `wait` raise this error."""
        self._failure = error
        self._failed.set()

    def handled(self) -> dict[str, tuple[int, int]]:
        """Function → how many events it has brought to an end, and how many it must."""
        with self._lock:
            return {name: (len(events), self._expected.get(name, 0)) for name, events in self._handled.items()}

    def work(self) -> tuple[int, int]:
        """How many units of the jobs' work have settled, and how many of them are known so far."""
        with self._lock:
            told = [status.progress for status in self._jobs.values() if status]
            return sum(each.settled for each in told), sum(each.known for each in told)

    def topics(self) -> dict[str, TopicCount]:
        """Topic → what passed there."""
        with self._lock:
            return {
                topic: TopicCount(sum(map(len, events.values())), len(events), self._copies[topic])
                for topic, events in self._seen.items()
            }

    def outstanding(self) -> list[str]:
        """What the run still waits for, in lines for people; empty when it is settled."""
        with self._lock:
            return [*self._under_way(), *self._missing()]

    def wait(self, on_tick: Callable[[], None], patience: Patience) -> bool:
        """Return True as soon as the run is settled; False if it is idle, and stays so, without being settled.

        Raises:
            Stalled: something is under way, and nothing has moved for too long.
        """
        while not self._failed.wait(_TICK_SECONDS):
            on_tick()
            with self._lock:
                idle = not any(True for _ in self._under_way())
                settled = idle and not any(True for _ in self._missing())
                quiet = self._monotonic() - self._moved_at
            if settled:
                return True
            if idle and quiet > patience.idle_seconds:
                return False
            if quiet > patience.stalled_seconds:
                lines = "".join(f"\n  {line}" for line in self.outstanding())
                raise Stalled(f"nothing has moved for {patience.stalled_seconds:g} s; outstanding:{lines}")
        assert self._failure is not None
        raise self._failure

    def _under_way(self) -> Iterator[str]:
        for function, events in self._waiting().items():
            named = ", ".join(islice(events, _NAMED)) + (", …" if len(events) > _NAMED else "")
            yield f"{function}: {len(events)} messages are not acked ({named})"
        if self._owed_copies:
            yield f"{len(self._owed_copies)} messages have not been published the second time"
        passed = sum(len(events) for topic, events in self._seen.items() if topic != self._dead_letter_topic)
        if (missing := self._published + self._emitted - passed) > 0:
            yield f"{missing} events that were published or emitted have not passed on their topics"
        for job, status in self._jobs.items():
            if status is None:
                yield f"job of {job}: it has not been accepted"
            elif not status.settled:
                progress = status.progress
                yield f"job of {job}: {status.state}; {progress.settled} of {progress.known} known units have settled"
        if missing_letters := self._dead - self._seen[self._dead_letter_topic].keys():
            yield f"{len(missing_letters)} dead letters have not passed on {self._dead_letter_topic}"

    def _waiting(self) -> dict[str, list[str]]:
        waiting: dict[str, list[str]] = {}
        for (function, _), event in self._unacked.items():
            waiting.setdefault(function, []).append(event)
        return waiting

    def _missing(self) -> Iterator[str]:
        for function, expected in self._expected.items():
            if (count := len(self._handled[function])) < expected:
                yield f"{function}: {count} of {expected} events are handled"
