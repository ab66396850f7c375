"""Which jobs there are, the newest first."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from google.cloud.firestore import AsyncClient
from google.cloud.firestore_v1.base_query import FieldFilter

from tidegate.adapters.firestore_calls import FirestoreCalls
from tidegate.adapters.job_documents import ACCEPTED_DAY, JOBS, day, job_of
from tidegate.jobs import Job, JobState
from tidegate.topology import Topology

_READ_SECONDS = 30.0
_DAYS = 7
_MOST_A_DAY = 200


@dataclass(frozen=True, slots=True)
class ListedJobs:
    """Jobs, the newest first, without what was given up.

    Attributes:
        since: how far back it was looked.
        cut: whether there may be more of that time, newer ones among them: a day's jobs are not indexed by time.
    """

    jobs: tuple[Job, ...]
    since: datetime
    cut: bool


class JobList:
    """Finds jobs by the index that the front door needs anyway: topic, state and day."""

    def __init__(self, client: AsyncClient, topology: Topology) -> None:
        self._client = client
        self._calls = FirestoreCalls(_READ_SECONDS)
        accepted = [topic for each in topology.http_functions.values() for topic in each.accepts]
        self.topics = tuple(dict.fromkeys(accepted))

    async def newest(
        self, now: datetime, *, topic: str = "", state: JobState | None = None, most: int = 100
    ) -> ListedJobs:
        """Look through the last days, one after another, until enough jobs are found.

        Raises:
            StoreUnavailable: Firestore does not answer.
        """
        topics = [topic] if topic else self.topics
        states = [state] if state else list(JobState)
        found: list[Job] = []
        cut, since = False, now
        for back in range(_DAYS):
            since = now - timedelta(days=back)
            of_day = await asyncio.gather(*(self._of(each, states, day(since)) for each in topics))
            cut = cut or any(len(each) == _MOST_A_DAY for each in of_day)
            found += sorted((job for each in of_day for job in each), key=lambda job: job.accepted_at, reverse=True)
            if len(found) >= most:
                cut = cut or len(found) > most
                break
        return ListedJobs(tuple(found[:most]), since, cut)

    async def _of(self, topic: str, states: Sequence[JobState], date: str) -> list[Job]:
        query = self._client.collection(JOBS).where(filter=FieldFilter("topic", "==", topic))
        query = query.where(filter=FieldFilter("state", "in", [each.value for each in states]))
        asked: Any = query.where(filter=FieldFilter(ACCEPTED_DAY, "==", date)).limit(_MOST_A_DAY)
        return [job_of(each.id, each.to_dict()) for each in await self._calls.get(topic, asked)]
