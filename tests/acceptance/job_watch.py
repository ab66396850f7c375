"""Jobs as an outsider sees them: every state that their documents go through, and the work that they wait for."""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from google.cloud.firestore import Client

from tidegate.jobs import JobState
from tidegate.messages import Message
from tidegate.places import Place
from tidegate.records import Status, idempotency_key, record_key
from tidegate.topology import Topology

_ORDER = [JobState.RUNNING, JobState.COMPENSATING]
"""The states before the last one."""


@dataclass(frozen=True)
class Seen:
    """What of a job's document may not change any more once it has settled."""

    state: JobState
    settled_at: datetime | None
    result: str | None


class JobWatch:
    """While entered, notes each version of each job that Firestore shows.

    Attributes:
        jobs: the job's id → what was seen of it, in order.
    """

    def __init__(self, client: Client) -> None:
        self.jobs: dict[str, list[Seen]] = {}
        self._client = client
        self._changed = threading.Condition()
        self._watch: Any = None  # the library has no types

    def __enter__(self) -> Self:
        self._watch = self._client.collection("jobs").on_snapshot(self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.unsubscribe()

    def wait_settled(self, count: int, seconds: float) -> None:
        """Return once so many jobs have settled."""
        with self._changed:
            settled = self._changed.wait_for(lambda: self._settled() >= count, seconds)
            assert settled, f"{self._settled()} of {count} jobs have settled within {seconds:g} s: {self.latest()}"

    def latest(self) -> dict[str, JobState]:
        """The job's id → its state."""
        return {job: seen[-1].state for job, seen in self.jobs.items()}

    def faults(self) -> list[str]:
        """What no job may do: go back, settle a second time, or change afterwards."""
        return [fault for job, seen in self.jobs.items() for fault in _faults(job, seen)]

    def _settled(self) -> int:
        return sum(state.settled for state in self.latest().values())

    def _note(self, documents: Any, changes: Any, moment: Any) -> None:
        with self._changed:
            for document in documents:
                fields = document.to_dict()
                seen = Seen(JobState(fields["state"]), fields["settled_at"], fields["result"])
                history = self.jobs.setdefault(document.id, [])
                if not history or history[-1] != seen:
                    history.append(seen)
            self._changed.notify_all()


def _faults(job: str, seen: list[Seen]) -> Iterator[str]:
    ends = [each for each in seen if each.state.settled]
    states = [each.state for each in seen if not each.state.settled]
    if len(ends) != 1 or seen[-1] is not ends[0]:
        yield f"job {job} has not settled once and for all: {seen}"
    if states != sorted(states, key=_ORDER.index):
        yield f"job {job} went back: {seen}"
    for each in seen:
        if (each.settled_at is None) is each.state.settled:
            yield f"job {job} is {each.state}, settled at {each.settled_at}"


class WorkLog:
    """The units of work that jobs wait for, as the messages name them that pass.

    Attributes:
        units: the job's id → (function, event id, idempotency key) of each.
    """

    def __init__(self, topology: Topology) -> None:
        self.units: dict[str, set[tuple[str, str, str]]] = {}
        self._topology = topology

    def note(self, topic: str, message: Message) -> None:
        """Takes a message that passed, from any thread."""
        place = Place.read(message.attributes)
        if place is None or topic == self._topology.dead_letter_topic:
            return
        event = message.attributes["ce-id"]
        for function in place.functions:
            key = idempotency_key(self._topology.functions[function].idempotency, event, message.data)
            self.units.setdefault(place.job, set()).add((function, event, key))

    def faults(self, client: Client) -> list[str]:
        """The units that had not ended when their job had settled."""
        ledger = {each.id: each for each in client.collection("ledger").stream()}
        return [fault for job in self.units for fault in self._faults(client, job, ledger)]

    def _faults(self, client: Client, job: str, ledger: Mapping[str, Any]) -> Iterator[str]:
        document = client.collection("jobs").document(job)
        settled_at = document.get().get("settled_at")
        marks = {each.id: each for each in document.collection("job_marks").stream()}
        for function, event, key in self.units[job]:
            record = ledger.get(record_key(function, key))
            if record is None or record.get("status") not in (Status.DONE, Status.FAILED):
                yield f"job {job}: {function} never ended its work on {event}"
                continue
            # Of a work that several events stand for, each has a mark of its own.
            ends = [record] if key == event else [record, marks.get(record_key(function, event))]
            if None in ends or any(each.update_time >= settled_at for each in ends):
                yield f"job {job} settled at {settled_at}, before {function} ended its work on {event}"
