"""What a receiver is told of its job."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from contracts.jobs import JobSettled
from tidegate import Reject
from tidegate.events import timestamp
from tidegate.jobs import MAX_FAILURES

if TYPE_CHECKING:
    from google.cloud.firestore import AsyncDocumentReference

_FAILURE = ("function", "event_id", "event_type", "fault", "reason", "attempts")


@dataclass(frozen=True, slots=True)
class Notice:
    """A webhook's body, and when its job may be forgotten."""

    body: bytes
    expire_at: datetime

    @classmethod
    async def read(cls, job: "AsyncDocumentReference", settled: JobSettled) -> "Notice":
        """Read what became of the job.

        Raises:
            Reject: the job is not stored any more.
        """
        found = (await job.get()).to_dict()
        if found is None:
            raise Reject(f"job {settled.job_id} is not stored any more, so there is nothing to tell")
        failures = [each.to_dict() async for each in job.collection("job_failures").limit(MAX_FAILURES).stream()]
        return cls(_body(settled, found, failures), found["expire_at"])


def _body(settled: JobSettled, job: dict[str, Any], failures: list[dict[str, Any]]) -> bytes:
    """The job under the names that the front door gives its parts, in the form that Standard Webhooks recommends."""
    settled_at = timestamp(job["settled_at"])
    content = {
        "type": settled.event_type,
        "timestamp": settled_at,
        "data": {
            "id": settled.job_id,
            "state": settled.state,
            "settled_at": settled_at,
            "result": None if job["result"] is None else json.loads(job["result"]),
            "failures": [
                {name: each[name] for name in _FAILURE} | {"at": timestamp(each["at"])}
                for each in sorted(failures, key=lambda failure: failure["at"])
            ],
        },
    }
    # In ASCII: a result may hold halves of characters, which UTF-8 cannot carry.
    return json.dumps(content, separators=(",", ":")).encode()
