"""``/v1/jobs``: what became of what was handed in."""

import asyncio
import re

from callers import Callers
from job_events import JobEvents, event_id
from problems import Kind, Problem
from representations import Snapshot
from starlette.requests import Request
from starlette.responses import Response
from streams import Stream
from watches import Watches

from tidegate.messages import whole_number
from tidegate.sites import Site

MAX_WAIT_SECONDS = 60
MARGIN_SECONDS = 5
"""So much before a request's time is up, whoever waits gets an answer."""

_JOB_ID = re.compile(r"[0-9a-f]{32}")


class JobRoutes:
    """Shows, follows and cancels jobs."""

    def __init__(self, site: Site, callers: Callers, watches: Watches) -> None:
        self._jobs = site.ports.jobs
        self._callers = callers
        self._watches = watches
        self._patience = max(1, int(site.config.timeout_seconds - MARGIN_SECONDS))
        self._events = JobEvents(watches, self._patience)

    async def show(self, request: Request) -> Response:
        """``GET /v1/jobs/{job}``: the job, at once or when there is something new to tell."""
        snapshot = await self._read(request)
        headers = {}
        asked = _wait(request)
        if asked is not None:
            seconds = min(asked, MAX_WAIT_SECONDS, self._patience)
            headers["Preference-Applied"] = f"wait={seconds}"
            snapshot = await self._waited(request, snapshot, seconds)
        return snapshot.response(304 if _is_known(request, snapshot) else 200, headers)

    async def stream(self, request: Request) -> Response:
        """``GET /v1/jobs/{job}/events``: server-sent events until the job has settled."""
        snapshot = await self._read(request)
        last = request.headers.get("last-event-id", "")
        if snapshot.settled and last == event_id(snapshot):
            return Response(status_code=204)  # this ends the reconnecting of browsers
        return Stream(
            self._events.follow(snapshot, last),
            "text/event-stream",
            {"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def cancel(self, request: Request) -> Response:
        """``DELETE /v1/jobs/{job}``: ask for its end."""
        before = await self._read(request)
        job = await self._jobs.cancel(before.job.id)
        if job is None:
            raise _unknown(before.job.id)
        return Snapshot(job, before.progress).response(200 if job.state.settled else 202)

    async def _read(self, request: Request) -> Snapshot:
        """The job that the path names. One of another principal is not there, as far as this caller can tell."""
        principal = await self._callers.principal(request)
        name = request.path_params["job"]
        # What is no job's id is not asked for: Firestore refuses some texts as names.
        snapshot = await Snapshot.read(self._jobs, name) if _JOB_ID.fullmatch(name) else None
        if snapshot is None or snapshot.job.principal not in ("", principal):
            raise _unknown(name)
        return snapshot

    async def _waited(self, request: Request, snapshot: Snapshot, seconds: int) -> Snapshot:
        """The job once it is worth telling, or after so many seconds, or when the client has left."""
        with self._watches.follow(snapshot) as watch:

            async def worth_telling() -> None:
                any_news = "if-none-match" in request.headers
                while not watch.latest.settled and (not any_news or _is_known(request, watch.latest)):
                    await watch.newer(watch.latest)

            waiting = {asyncio.ensure_future(each) for each in (worth_telling(), _disconnected(request))}
            try:
                await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in waiting:
                    each.cancel()
            return watch.latest


def _wait(request: Request) -> int | None:
    """The seconds of ``Prefer: wait=…`` (RFC 7240); None where there is no such preference, or no sense in it."""
    for preference in ",".join(request.headers.getlist("prefer")).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "wait":
            return whole_number(value.strip().strip('"'))
    return None


def _is_known(request: Request, snapshot: Snapshot) -> bool:
    """Whether the client has just this text of the job (RFC 9110, If-None-Match)."""
    tags = [each.strip().removeprefix("W/") for each in ",".join(request.headers.getlist("if-none-match")).split(",")]
    return snapshot.tag in tags or tags == ["*"]


async def _disconnected(request: Request) -> None:
    """Returns when the client has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _unknown(name: str) -> Problem:
    return Problem(Kind.UNKNOWN_JOB, f"no job {name!r} is there for you: it may be another caller's, or long past")
