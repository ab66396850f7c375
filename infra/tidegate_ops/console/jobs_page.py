"""Jobs: which there are, and everything that one of them caused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.errors import ConfigurationError
from tidegate.jobs import JobState
from tidegate_ops.console.desk import Desk
from tidegate_ops.job_archive import JobArchive
from tidegate_ops.job_list import JobList
from tidegate_ops.job_outline import Outline
from tidegate_ops.job_survey import JobSurvey
from tidegate_ops.job_tree import Branch, JobTree, State

_MOST_UNITS = 2_000
_FULL_WIDTH = 1000.0
_LEAST_WIDTH = 4.0
_UNDER_WAY = (State.RUNNING, State.WAITING, State.UNDELIVERED)


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of the waterfall.

    Attributes:
        row: a unit, or what is said in place of many.
        x, width: of the bar, in thousandths of the whole; None where its times are not known.
    """

    depth: int
    row: Branch | str
    x: float | None = None
    width: float = 0.0


class JobsPage:
    """Shows jobs, and cancels them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._list = JobList(desk.firestore, desk.topology)
        self._jobs = FirestoreJobs(desk.firestore)
        self._survey = JobSurvey(JobArchive(desk.firestore), desk.topology, _MOST_UNITS)

    async def read(self, request: Request) -> Mapping[str, Any]:
        """The newest jobs, of one state or topic if that is asked for."""
        state, topic = request.query_params.get("state", ""), request.query_params.get("topic", "")
        if state and state not in set(JobState):
            raise ConfigurationError(f"There is no state {state}: there are {', '.join(JobState)}.")
        if topic and topic not in self._list.topics:
            raise ConfigurationError(f"The front door takes no jobs of the topic {topic}.")
        now = self._desk.clock()
        return {
            "listed": await self._list.newest(now, topic=topic, state=JobState(state) if state else None),
            "state": state,
            "topic": topic,
            "topics": self._list.topics,
            "job_states": list(JobState),
            "now": now,
        }

    async def read_one(self, request: Request) -> Mapping[str, Any]:
        """One job with its tree."""
        name: str = request.path_params["job"]
        now = self._desk.clock()
        tree = await self._survey.tree(name, now)
        unfolded = request.query_params.get("rows") == "all"
        return {
            "job": tree.job,
            "progress": await self._jobs.progress(name),
            "tree": tree,
            "bars": list(_bars(tree, now, unfolded)),
            "unfolded": unfolded,
            "now": now,
            "final": tree.job.state.settled,
            "most": _MOST_UNITS,
        }

    async def cancel(self, request: Request) -> Response:
        """Ask for the job's end."""
        name: str = request.path_params["job"]
        if await self._jobs.read(name) is None or await self._jobs.cancel(name) is None:
            raise ConfigurationError(f"There is no job {name}.")
        return RedirectResponse(f"/jobs/{quote(name)}?done=cancelled", HTTPStatus.SEE_OTHER)


def _bars(tree: JobTree, now: datetime, unfolded: bool) -> Iterator[Bar]:
    """Each unit from its event's emission to its end, or until now, within the time of the job."""
    begun = tree.job.accepted_at
    ends = [branch.handling.ended_at for _, branch in tree.walk() if branch.handling.ended_at]
    whole = max([tree.job.settled_at or now, *ends]) - begun
    for depth, row in Outline(tree, unfolded=unfolded).walk():
        if isinstance(row, str):
            yield Bar(depth, row)
            continue
        since, until = row.unit.since, row.handling.ended_at
        if row.handling.state in _UNDER_WAY:
            until = now
        if since is None or until is None or not whole:
            yield Bar(depth, row)
            continue
        x = min(max((since - begun) / whole, 0.0), 1.0) * _FULL_WIDTH
        width = max((until - since) / whole * _FULL_WIDTH, _LEAST_WIDTH)
        yield Bar(depth, row, round(min(x, _FULL_WIDTH - _LEAST_WIDTH), 1), round(min(width, _FULL_WIDTH - x), 1))
