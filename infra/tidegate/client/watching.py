"""Following a job until it has settled.

What is read here raises `JobNotFound` for a job that there is none of, `RequestRefused` where the caller
may not see it, and `GatewayUnavailable` after too long without a useful answer.
"""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

import httpx
from pydantic import ValidationError

from tidegate.client.errors import GatewayUnavailable, JobNotFound, RequestRefused
from tidegate.client.gateway import Gateway, is_event_stream, job_path
from tidegate.client.job_status import JobStatus
from tidegate.client.problem import Problem
from tidegate.client.streams import ServerEvent, server_events
from tidegate.jobs import JobState, Progress

_HASTY_SECONDS = 1.0  # who answers sooner than this has not waited
_SILENCE_SECONDS = 60  # of a stream; the gateway sends comments meanwhile
_MOST_BARREN = 2  # streams in a row that end without a word


class _NoStream(Exception):
    """The gateway, or something in front of it, does not stream."""


async def read(gateway: Gateway, job: str) -> JobStatus:
    """The job as of now."""
    return status_of(job, await gateway.send("GET", job_path(job)))


def status_of(job: str, answer: httpx.Response) -> JobStatus:
    """What an answer tells of a job."""
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise JobNotFound(f"job {job} is not known to {answer.url.host}", Problem.read(answer))
    if not answer.is_success:
        raise RequestRefused(f"{answer.url.host} does not tell of job {job}", Problem.read(answer))
    return _parsed(answer.content, answer.url)


async def poll(gateway: Gateway, job: str, *, any_news: bool = False) -> AsyncGenerator[JobStatus, None]:
    """The job, again and again, by long polling; answered when it has settled, or at ``any_news``.

    The last one has settled.
    """
    # Whoever is to tell any news has to know first what is known already.
    headers: dict[str, str] = {}
    waits = not any_news
    while True:
        asked = gateway.pacing.now()
        async with gateway.turns.wait() as seconds:
            preference = {"Prefer": f"wait={seconds}"} if waits else {}
            answer = await gateway.send("GET", job_path(job), headers=headers | preference, wait=seconds)
        if answer.status_code != httpx.codes.NOT_MODIFIED:
            status = status_of(job, answer)
            yield status
            if status.settled:
                return
        if waits and gateway.pacing.now() - asked < _HASTY_SECONDS:
            await gateway.pacing.pause(_HASTY_SECONDS)
        waits = True
        if any_news and "etag" in answer.headers:
            headers["If-None-Match"] = answer.headers["etag"]


async def updates(gateway: Gateway, job: str) -> AsyncGenerator[JobStatus, None]:
    """The job now, and whenever it has changed: streamed where that works, polled elsewhere. The last has settled."""
    last = await read(gateway, job)
    yield last
    if last.settled:
        return
    try:
        async with gateway.turns.stream() as free, aclosing(_stream(gateway, last)) as news:
            if not free:
                raise _NoStream
            async for status in news:
                if status != last:
                    yield (last := status)
        return
    except _NoStream:
        pass
    async with aclosing(poll(gateway, job, any_news=True)) as news:
        async for status in news:
            if status != last:
                yield (last := status)


async def _stream(gateway: Gateway, status: JobStatus) -> AsyncGenerator[JobStatus, None]:
    """The job as its event stream tells it, taken up again where a connection is lost. The last one has settled.

    Raises:
        _NoStream: nothing is streamed.
    """
    path, position = f"{job_path(status.id)}/events", ""
    attempts, barren = gateway.attempts(), 0
    while barren < _MOST_BARREN:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": position} if position else {})
        try:
            async with gateway.stream("GET", path, headers=headers, wait=_SILENCE_SECONDS) as answer:
                if not (answer.is_success and is_event_stream(answer)):
                    raise _NoStream  # a refusal is told by whoever asks for the job itself
                attempts, barren = gateway.attempts(), barren + 1
                async for event in server_events(answer.aiter_bytes()):
                    status = _after(status, event, answer.url)
                    position, barren = event.id or position, 0
                    yield status
                    if status.settled:
                        return
                raise GatewayUnavailable(f"{answer.url} ended")
        except GatewayUnavailable as error:
            await attempts.pause_after(error)
    raise _NoStream


def _after(status: JobStatus, event: ServerEvent, source: httpx.URL) -> JobStatus:
    """The job after an event: ``progress`` tells what has changed, ``settled`` all; others nothing."""
    match event.name:
        case "settled":
            return _parsed(event.data, source)
        case "progress":
            try:
                found = json.loads(event.data)
                state, progress = JobState(found["state"]), Progress(int(found["known"]), int(found["settled"]))
            except (ValueError, TypeError, KeyError) as error:
                raise _strange(source, error) from error
            return status.model_copy(update={"state": state, "progress": progress})
        case _:
            return status


def _parsed(text: str | bytes, source: httpx.URL) -> JobStatus:
    try:
        # A result may hold halves of characters, which pydantic's own reader refuses.
        return JobStatus.model_validate(json.loads(text))
    except ValueError as error:
        raise _strange(source, error) from error


def _strange(source: httpx.URL, error: Exception) -> GatewayUnavailable:
    fault = f"{error.error_count()} fields are wrong" if isinstance(error, ValidationError) else repr(error)
    return GatewayUnavailable(f"{source} does not answer as a gateway does: {fault}")
