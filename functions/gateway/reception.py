"""Reception: where an event becomes a job.

A job is kept first and its event published second; only then is it said to be accepted. Whoever got
no answer repeats the request: under the same idempotency key it meets the same job, and the event is
published again with the same id, which nobody handles twice. That also mends a process that died
between the two.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from backlogs import Backlogs
from options import Options
from problems import Kind, Problem

from tidegate.contracts import Contract
from tidegate.events import Event, digest
from tidegate.jobs import Job, NewJob
from tidegate.messages import Outgoing
from tidegate.places import ROOT, Place
from tidegate.records import record_key
from tidegate.sites import Site
from tidegate.work import current

_ID_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Submission:
    """One event as it was handed in; its data fits the contract.

    Attributes:
        principal: who handed it in; empty where nobody asks.
        line: its line in a batch, which has one idempotency key for all; None outside of one.
    """

    contract: type[Contract]
    data: bytes
    principal: str
    options: Options
    line: int | None = None

    @property
    def topic(self) -> str:
        return self.contract.event_type


class Reception:
    """Accepts submissions on behalf of one HTTP function."""

    def __init__(self, site: Site) -> None:
        self._config = site.config
        self._ports = site.ports
        self._backlogs = Backlogs(site)

    async def accept(self, submission: Submission) -> Job:
        """Keep the submission as a job and publish its event; or find that this was done before.

        Raises:
            Problem: its idempotency key stands for other data, nothing would handle it, or too much of its topic
                is under way.
            StoreUnavailable, PublishFailed: it may be accepted or not; accepting it again mends that.
        """
        new = self._new_job(submission, self._ports.clock())
        job = await self._backlogs.accept(new, repeatable=bool(submission.options.idempotency_key))
        if job.payload_hash != new.payload_hash:
            raise Problem(Kind.KEY_REUSED, f"under this Idempotency-Key job {job.id} was accepted with other data")
        if not (job.state.settled or await self._arrived(job)):
            # As it was accepted the first time: repeating puts off no expiry, and counts for the same functions.
            event = self._message(submission, job.id, job.accepted_at, job.functions, job.trace)
            await self._ports.publisher.publish([event])
        return job

    async def _arrived(self, job: Job) -> bool:
        """Whether every function has its event already, so that publishing it again would only make them repeat theirs.

        One with an idempotency key of its own keeps its record under another name: then it seems to have none.
        """
        if job.version is None:
            return False  # this very request created it
        records = [await self._ports.ledger.read(record_key(each, job.event_id)) for each in job.functions]
        return all(record is not None for record in records)

    def _new_job(self, submission: Submission, now: datetime) -> NewJob:
        job, functions, work = self._job_id(submission), self._subscribers(submission.topic), current()
        return NewJob(
            id=job,
            event=self._message(submission, job, now, functions, work.trace.extensions() if work else {}),
            functions=functions,
            payload_hash=hashlib.sha256(submission.data).hexdigest(),
            accepted_at=now,
            expire_at=now + timedelta(days=self._config.ledger_days),
            callback_url=submission.options.callback_url,
            principal=submission.principal,
        )

    def _job_id(self, submission: Submission) -> str:
        """Derived from the idempotency key where there is one; else drawn, from 128 bits."""
        key, line = submission.options.idempotency_key, submission.line
        if not key:
            return digest(self._ports.draw(), self._ports.draw())[:_ID_DIGITS]
        parts = (submission.principal, submission.topic, key, *(() if line is None else (str(line),)))
        return digest(*parts)[:_ID_DIGITS]

    def _message(
        self,
        submission: Submission,
        job: str,
        accepted_at: datetime,
        functions: tuple[str, ...],
        trace: Mapping[str, str],
    ) -> Outgoing:
        contract, options = submission.contract, submission.options
        event = Event(
            id=digest(job)[:_ID_DIGITS],
            type=contract.event_type,
            source=f"/functions/{self._config.function}",
            data=submission.data,
            time=accepted_at,
            version=contract.event_version,
            key=options.ordering_key,
            class_=options.class_,
            expires=accepted_at + options.expires_in if options.expires_in else None,
            extensions=MappingProxyType(dict(trace)),
        )
        place = Place(job, ROOT, 0, len(functions), functions)
        return Outgoing(event.type, event.data, event.attributes() | place.attributes(), event.key)

    def _subscribers(self, topic: str) -> tuple[str, ...]:
        functions = self._config.subscribers.get(topic, ())
        if not functions:
            raise Problem(Kind.NOBODY_SUBSCRIBES, f"no function subscribes to {topic}")
        return functions


def receipt(job: Job) -> dict[str, Any]:
    """What the submitter is told of an accepted job."""
    return {"id": job.id, "state": str(job.state), "event_id": job.event_id, "location": location(job)}


def location(job: Job) -> str:
    return f"/v1/jobs/{job.id}"
