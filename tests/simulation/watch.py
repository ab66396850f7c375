"""Looks at every write as it is made: what no record may ever do, however the run goes on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tidegate.adapters.memory_documents import Document, MemoryDocuments, Put, Write, Written
from tidegate.adapters.record_document import LEDGER, record_of
from tidegate.records import Record, Status

CLOCK_TOLERANCE = timedelta(seconds=10)
"""Two clocks may each be off by five seconds: so much too early a takeover is no fault."""


@dataclass
class Watch:
    """Each record's history, and what was wrong with it."""

    violations: list[str] = field(default_factory=list)
    history: dict[str, list[Record]] = field(default_factory=dict)

    def written(self, key: str, record: Record, now: datetime) -> None:
        """A write of this record has taken effect, by the true time ``now``."""
        past = self.history.setdefault(key, [])
        if past:
            self.violations.extend(f"record {key}: {fault}" for fault in transition_faults(past[-1], record, now))
        past.append(record)


@dataclass
class WatchedDocuments(MemoryDocuments):
    """The store; ``observe(path, before, after)`` sees each document below ``watched`` that a commit has changed.

    ``records`` is told each record that was written, whoever hears of it.
    """

    watched: tuple[str, ...] = ("jobs/",)
    observe: Callable[[str, Document | None, Document | None], None] = lambda path, before, after: None
    records: Watch = field(default_factory=Watch)

    def commit(self, writes: Sequence[Write]) -> list[Written]:
        before = {each.path: self.get(each.path) for each in writes if each.path.startswith(self.watched)}
        written = super().commit(writes)
        for path, document in before.items():
            self.observe(path, document, self.get(path))
        for each in writes:
            collection, _, key = each.path.rpartition("/")
            if collection == LEDGER and isinstance(each, Put):
                self.records.written(key, record_of(each.fields), self.clock())
        return written


def transition_faults(before: Record, after: Record, now: datetime) -> list[str]:
    """Why a record may not change from ``before`` to ``after``; empty where it may."""
    faults = []
    if before.status is Status.DONE and (after.status, after.outbox) != (Status.DONE, before.outbox):
        faults.append(f"was done, became {after.status} with {len(after.outbox)} events")
    if before.status is Status.FAILED and after.redrive <= before.redrive:
        faults.append(f"was failed, became {after.status} without a redrive")
    lost = {name for name, result in before.steps.items() if after.steps.get(name) != result}
    if lost:
        faults.append(f"lost or changed the recorded steps {sorted(lost)}")
    if before.status is Status.CLAIMED and after.status is Status.DONE and after.owner != before.owner:
        faults.append(f"was completed by {after.owner} while {before.owner} held it")
    seized = before.status is after.status is Status.CLAIMED and after.owner != before.owner
    if seized and now + CLOCK_TOLERANCE < before.lease_until:
        faults.append(f"was taken over by {after.owner} while the lease of {before.owner} was live")
    # A run that was cut off from its dependency was no attempt: whoever had claimed it takes its own count back.
    taken_back = (before.status, after.status) == (Status.CLAIMED, Status.RELEASED) and after.owner == before.owner
    if after.attempt < before.attempt - taken_back and after.redrive <= before.redrive:
        faults.append(f"counted attempt {before.attempt} and then {after.attempt}")
    return faults
