"""Cloud Tasks for the local stack: what Tidegate needs of it, under its own gRPC interface.

Google offers no emulator. The official client talks to this service as it does to the real one.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import NoReturn, Self
from uuid import uuid4

import grpc
import httpx
from google.cloud.tasks_v2.types import CreateTaskRequest, HttpMethod, Task

from tidegate.clock import Clock, system_clock
from tidegate.timers import MAX_DELAY
from tidegate_ops.timer_store import TimerStore, WaitingTask

_SERVICE = "google.cloud.tasks.v2.CloudTasks"
_MAX_TASK_BYTES = 1_000_000  # the real service's limit, for the task as it is sent
_LOOK_SECONDS = 1.0  # wakes at least so often: the machine may have slept, or its clock been set
_ATTEMPT_SECONDS = 10.0
_SIDE_BY_SIDE = 8
_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0


class TimerService:
    """While entered, takes tasks at ``host`` and makes each one's HTTP request when it is due, until a 2xx answers it.

    Tasks are in the file at ``path`` before they are acknowledged: whoever opens it next, after any kind of end,
    carries on. A request may be made again by the successor of a service that ended in the middle of it. Unlike in
    the cloud, it takes any queue, a name is never forgotten, no task is given up, and its token is left out.

    ``on_line`` gets a line for each request in vain, in a thread of the service's.
    """

    def __init__(
        self, path: Path, *, clock: Clock = system_clock, on_line: Callable[[str], None] = lambda line: None
    ) -> None:
        self._path = path
        self._clock = clock
        self._on_line = on_line
        self._wake = threading.Event()
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        self._store = TimerStore(self._path)
        self._client = httpx.Client(timeout=_ATTEMPT_SECONDS, trust_env=False)
        self._attempts = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="timer-attempt")
        self._thread = threading.Thread(target=self._run, name="timers", daemon=True)
        self._server = grpc.server(ThreadPoolExecutor(4, thread_name_prefix="timer-calls"))
        create = grpc.unary_unary_rpc_method_handler(
            self._create, request_deserializer=CreateTaskRequest.deserialize, response_serializer=Task.serialize
        )
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {"CreateTask": create}),))
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._thread.start()
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.stop(grace=1).wait()
        self._closing.set()
        self._wake.set()
        self._thread.join()
        self._attempts.shutdown()
        self._client.close()
        self._store.close()

    def _create(self, request: CreateTaskRequest, call: grpc.ServicerContext) -> Task:
        """Answer one CreateTask call as Cloud Tasks does."""
        task = request.task
        task.name = task.name or f"{request.parent}/tasks/{uuid4().hex}"
        now = self._clock()
        if fault := _fault(request, now):
            _refuse(call, grpc.StatusCode.INVALID_ARGUMENT, fault)
        due = max(now, task.schedule_time) if task.schedule_time else now
        task.schedule_time = due
        if not self._store.add(task.name, due.timestamp(), Task.serialize(task)):
            _refuse(call, grpc.StatusCode.ALREADY_EXISTS, f"{task.name} exists, or did")
        self._wake.set()
        return task

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wake.clear()
            if waiting := self._store.due(self._clock().timestamp(), _SIDE_BY_SIDE):
                list(self._attempts.map(self._attempt, waiting))
            else:
                self._wake.wait(self._pause())

    def _pause(self) -> float:
        due = self._store.next_due()
        left = _LOOK_SECONDS if due is None else due - self._clock().timestamp()
        return min(_LOOK_SECONDS, max(0.0, left))

    def _attempt(self, waiting: WaitingTask) -> None:
        """Make the request once, and note how it ended."""
        problem = self._request(Task.deserialize(waiting.content))
        if not problem:
            self._store.finish(waiting.name)
            return
        pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** min(waiting.attempts, 30))
        self._store.postpone(waiting.name, self._clock().timestamp() + pause)
        self._on_line(f"timer: {problem}; attempt {waiting.attempts + 1}, the next in {pause:g} s")

    def _request(self, task: Task) -> str:
        """What went wrong, in words; empty if nothing did."""
        wanted = task.http_request
        try:
            answer = self._client.request(
                HttpMethod(wanted.http_method).name, wanted.url, headers=dict(wanted.headers), content=wanted.body
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"{wanted.url}: {type(error).__name__}: {error}"
        return "" if answer.is_success else f"{wanted.url} answers {answer.status_code}"


def _fault(request: CreateTaskRequest, now: datetime) -> str:
    """Why Cloud Tasks would not take it; empty where it would."""
    task = request.task
    if not task.name.startswith(f"{request.parent}/tasks/"):
        return f"task {task.name} is not of queue {request.parent}"
    if not task.http_request.url:
        return "only tasks with an HTTP request are taken"
    if task.schedule_time and task.schedule_time - now > MAX_DELAY:
        return f"schedule_time is more than {MAX_DELAY.days} days ahead"
    if len(Task.serialize(task)) > _MAX_TASK_BYTES:
        return f"the task exceeds {_MAX_TASK_BYTES:,} bytes"
    return ""


def _refuse(call: grpc.ServicerContext, code: grpc.StatusCode, message: str) -> NoReturn:
    call.abort(code, message)
    raise AssertionError("abort raises")
