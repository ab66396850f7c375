"""A gateway that plays the protocol over real HTTP, and fails as a test wants it to."""

import asyncio
import hashlib
import json
import socket
import threading
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeAlias

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

_LIMIT_SECONDS = 60
Answer: TypeAlias = Callable[["Recorded"], Response]
SETTLED = ("succeeded", "failed", "cancelled")


@dataclass(frozen=True)
class Recorded:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


def problem(status: int, *, title: str = "Sorry", detail: str = "not now", **members: Any) -> Response:
    """A problem document; the member ``retry_after`` becomes a header."""
    headers = {"Retry-After": members.pop("retry_after")} if "retry_after" in members else None
    body = {"type": f"urn:test:{status}", "title": title, "status": status, "detail": detail, **members}
    return Response(json.dumps(body), status, headers, "application/problem+json")


def fails(status: int, **members: Any) -> Answer:
    """The answer of a gateway that does not do what it is asked for."""
    return lambda request: problem(status, **members)


def says(text: str, status: int = 200, media_type: str = "text/html") -> Answer:
    """The answer of something that is no gateway."""
    return lambda request: Response(text, status, media_type=media_type)


def frame(name: str, data: object, event_id: str = "") -> bytes:
    """A server-sent event."""
    return f"id: {event_id}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


class ScriptedGateway:
    """Keeps jobs in memory.

    Attributes:
        requests: all that arrived, in order.
        script: what becomes of the next POST requests, before the usual: an answer instead of accepting anything.
        streams: what the next event streams consist of, chunk by chunk; each breaks off at its end.
        lose_answers: so many of the next submissions are accepted, but their answers break off.
        line_answers: what becomes of a line of a batch, once each: by its data.
        retry_after: after how many seconds a line may be sent again: by the status that it was refused with.
        streaming: whether there are event streams at all.
        patient: whether it waits for news if it is asked to.
        waiting, most_waiting: how many requests wait for news, now and ever.
    """

    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self.script: deque[Answer] = deque()
        self.streams: deque[list[bytes]] = deque()
        self.line_answers: dict[bytes, deque[int]] = {}
        self.retry_after: dict[int, int] = {}
        self.lose_answers = 0
        self.streaming = True
        self.patient = True
        self.waiting = 0
        self.most_waiting = 0
        self.jobs: dict[str, dict[str, Any]] = {}
        self.failing_reads: deque[Answer] = deque()
        self._changed = threading.Condition()
        self._listeners: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._closed = False
        self._application = Starlette(
            routes=[
                Route("/v1/events/{topic}", self._submit, methods=["POST"]),
                Route("/v1/jobs/{job}", self._show),
                Route("/v1/jobs/{job}", self._cancel, methods=["DELETE"]),
                Route("/v1/jobs/{job}/events", self._stream),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, send)

    def close(self) -> None:
        """Let all go that still wait for news."""
        with self._changed:
            self._closed = True
            self._notify()

    def accept(self, topic: str = "order.placed", name: str = "") -> str:
        """A new job, or the one of this name."""
        job = hashlib.md5((name or str(len(self.jobs))).encode(), usedforsecurity=False).hexdigest()
        fresh: dict[str, Any] = {
            "id": job,
            "state": "running",
            "topic": topic,
            "event_id": f"event-of-{job[:4]}",
            "accepted_at": "2013-02-08T15:00:00Z",
            "settled_at": None,
            "progress": {"known": 1, "settled": 0},
            "result": None,
            "failures": [],
        }
        self.jobs.setdefault(job, fresh)
        return job

    def change(self, job: str, **fields: Any) -> None:
        """Let the job go on, and those know who wait for it."""
        with self._changed:
            if fields.get("state") in SETTLED:
                fields.setdefault("settled_at", "2013-02-08T15:00:09Z")
            self.jobs[job] = {**self.jobs[job], **fields}
            self._notify()

    def of(self, method: str, end: str = "") -> list[Recorded]:
        """The requests with this method, to paths that end so."""
        return [each for each in self.requests if each.method == method and each.path.endswith(end)]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Return once ``condition`` holds; it is looked at whenever something happens here."""
        with self._changed:
            assert self._changed.wait_for(condition, _LIMIT_SECONDS), "it did not come to pass"

    async def until(self, condition: Callable[[], bool]) -> None:
        """The same for tests in an event loop."""
        await asyncio.to_thread(self.wait_until, condition)

    async def _record(self, request: Request) -> Recorded:
        body = await request.body()
        found = Recorded(request.method, request.url.path, request.url.query, dict(request.headers), body)
        with self._changed:
            self.requests.append(found)
            self._changed.notify_all()
        return found

    async def _submit(self, request: Request) -> Response:
        found = await self._record(request)
        if self.script:
            return self.script.popleft()(found)
        topic, key = request.path_params["topic"], found.headers["idempotency-key"]
        if found.headers["content-type"] == "application/x-ndjson":
            told = [
                self._line(number, data, topic, key) for number, data in enumerate(found.body.split(b"\n"), 1) if data
            ]
            text = b"".join(json.dumps(each).encode() + b"\n" for each in told)
        else:
            text = json.dumps(self._receipt(self.accept(topic, key))).encode()
        if self.lose_answers:
            self.lose_answers -= 1
            return StreamingResponse(_broken([text[: len(text) // 2]]), 202)
        return Response(text, 202)

    def _line(self, number: int, data: bytes, topic: str, key: str) -> dict[str, Any]:
        waiting = self.line_answers.get(data)
        if waiting:
            status = waiting.popleft()
            errors = [{"pointer": "/order", "detail": "should be a number"}]
            told: dict[str, Any] = {"title": "Sorry", "status": status, "errors": errors}
            if status in self.retry_after:
                told["retry_after"] = self.retry_after[status]
            return {"line": number, "status": status, "problem": told}
        return {"line": number, "status": 202, **self._receipt(self.accept(topic, f"{key}:{number}"))}

    def _receipt(self, job: str) -> dict[str, Any]:
        return {"id": job, "state": "running", "event_id": self.jobs[job]["event_id"], "location": f"/v1/jobs/{job}"}

    async def _show(self, request: Request) -> Response:
        found = await self._record(request)
        if self.failing_reads:
            return self.failing_reads.popleft()(found)
        job = request.path_params["job"]
        if job not in self.jobs:
            return problem(404, title="There is no such job", detail=f"no job {job!r} is there for you")
        known = found.headers.get("if-none-match", "")
        if self.patient and "prefer" in found.headers:
            await self._news(lambda: self._settled(job) or known not in ("", self._tag(job)))
        if self._tag(job) == known:
            return Response(status_code=304)
        return Response(json.dumps(self.jobs[job]), headers={"ETag": self._tag(job)}, media_type="application/json")

    async def _cancel(self, request: Request) -> Response:
        await self._record(request)
        job = request.path_params["job"]
        if job not in self.jobs:
            return problem(404, title="There is no such job")
        if not self._settled(job):
            self.change(job, cancel_requested_at="2013-02-08T15:00:05Z")
        return Response(json.dumps(self.jobs[job]), 200 if self._settled(job) else 202)

    async def _stream(self, request: Request) -> Response:
        await self._record(request)
        if not self.streaming:
            return Response("no such page", 404)
        if self.streams:
            return StreamingResponse(_broken(self.streams.popleft()), media_type="text/event-stream")
        return StreamingResponse(self._frames(request.path_params["job"]), media_type="text/event-stream")

    async def _frames(self, job: str) -> AsyncIterator[bytes]:
        seen = ""
        while not self._closed:
            seen, now = self._tag(job), self.jobs[job]
            if self._settled(job):
                yield frame("settled", now)
                return
            yield frame("progress", {"state": now["state"], **now["progress"]})
            await self._news(lambda tag=seen: self._tag(job) != tag)  # type: ignore[misc]

    async def _news(self, condition: Callable[[], bool]) -> None:
        """Return once ``condition`` holds; without a thread for each who waits."""
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        try:
            while True:
                changed = asyncio.Event()
                with self._changed:
                    if self._closed or condition():
                        return
                    self._listeners.append((asyncio.get_running_loop(), changed))
                await changed.wait()
        finally:
            self.waiting -= 1

    def _notify(self) -> None:
        self._changed.notify_all()
        for loop, changed in self._listeners:
            loop.call_soon_threadsafe(changed.set)
        self._listeners.clear()

    def _settled(self, job: str) -> bool:
        return self.jobs[job]["state"] in SETTLED

    def _tag(self, job: str) -> str:
        return f'"{hashlib.md5(json.dumps(self.jobs[job]).encode(), usedforsecurity=False).hexdigest()}"'


class GatewayServer:
    """Serves ``application`` from a thread, on a free port of this machine, while entered."""

    def __init__(self) -> None:
        self.application: Callable[[Scope, Receive, Send], Awaitable[None]] | None = None
        # Listening from the start: whoever connects before the server accepts waits in the queue.
        self._listener = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(
            self._serve, interface="asgi3", lifespan="off", ws="none", log_config=None, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), name="scripted-gateway")

    @property
    def host(self) -> str:
        """``address:port``."""
        address, port = self._listener.getsockname()[:2]
        return f"{address}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.application
        await self.application(scope, receive, send)


async def _broken(chunks: list[bytes]) -> AsyncIterator[bytes]:
    """A body whose connection is lost after these chunks."""
    for chunk in chunks:
        yield chunk
    raise ConnectionError("the gateway is gone")
