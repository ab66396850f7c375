"""How answers look: JSON, and a job as JSON with its entity tag."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from starlette.responses import Response

from tidegate.events import digest, timestamp
from tidegate.job_ports import Jobs
from tidegate.jobs import Job, JobFailure, Progress

# A job changes without notice, and is its principal's own affair.
_JOB_HEADERS = {"Cache-Control": "private, no-cache"}


def rendered(body: Any) -> bytes:
    """Compact JSON in ASCII: a job's result may hold halves of characters, which UTF-8 cannot carry."""
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(rendered(body), status, headers, "application/json")


@dataclass(frozen=True)
class Snapshot:
    """A job and its progress as they were read."""

    job: Job
    progress: Progress

    @classmethod
    async def read(cls, jobs: Jobs, job: str) -> "Snapshot | None":
        """The job as of now, or None where there is none.

        Raises:
            StoreUnavailable: no answer.
        """
        found = await jobs.read(job)
        return cls(found, await jobs.progress(job)) if found else None

    @property
    def settled(self) -> bool:
        return self.job.state.settled

    @property
    def body(self) -> dict[str, Any]:
        """The job as callers see it; who submitted it and whom it tells is not for show."""
        job = self.job
        return {
            "id": job.id,
            "state": str(job.state),
            "topic": job.topic,
            "event_id": job.event_id,
            "accepted_at": timestamp(job.accepted_at),
            "settled_at": _moment(job.settled_at),
            "cancel_requested_at": _moment(job.cancel_requested_at),
            "progress": {"known": self.progress.known, "settled": self.progress.settled},
            "result": None if job.result is None else json.loads(job.result),
            "failures": [_failure(each) for each in job.failures],
        }

    @cached_property
    def text(self) -> bytes:
        return rendered(self.body)

    @property
    def tag(self) -> str:
        """A strong entity tag: equal for equal texts, whichever instance answers."""
        return f'"{digest(self.text.decode())[:32]}"'

    def response(self, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """The job itself, or with status 304 only that it is still the same."""
        text = b"" if status == 304 else self.text
        return Response(text, status, {"ETag": self.tag, **_JOB_HEADERS, **(headers or {})}, "application/json")


def _moment(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None


def _failure(failure: JobFailure) -> dict[str, Any]:
    return {
        "function": failure.function,
        "event_id": failure.event_id,
        "event_type": failure.event_type,
        "fault": str(failure.fault),
        "reason": failure.reason,
        "attempts": failure.attempts,
        "at": timestamp(failure.at),
    }
