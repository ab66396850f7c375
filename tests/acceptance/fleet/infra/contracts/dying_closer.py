"""Takes the process down around the first join that is closed in a job, at a moment that no handler can choose."""

import os

from contracts.fleet import FLEET
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.job_ports import StoredTally
from tidegate.jobs import Turn
from tidegate.places import Member

_close = FirestoreJobs.close


def install() -> None:
    """From now on, a third of the jobs take the process down before their first close, and a third after it."""
    FirestoreJobs.close = _close_and_die  # type: ignore[method-assign]


async def _close_and_die(
    self: FirestoreJobs, stored: StoredTally, above: Member | None, turn: Turn | None
) -> float | None:
    job = stored.tally.job
    moment = ("before", "after", "")[int(job, 16) % 3]
    if not moment or not _first(job):
        return await _close(self, stored, above, turn)
    if moment == "after":
        await _close(self, stored, above, turn)
    os._exit(1)


def _first(job: str) -> bool:
    try:
        (FLEET / f"died-{job}").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
