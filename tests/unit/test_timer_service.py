"""The local stand-in for Cloud Tasks, through the official client."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from queue import Queue

import grpc
import pytest
from google.api_core.exceptions import AlreadyExists, InvalidArgument
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from google.cloud.tasks_v2.types import Task

from tests.wound_clock import WoundClock
from tidegate_ops.processes import ManagedProcess
from tidegate_ops.timer_service import TimerService

QUEUE = "projects/p/locations/l/queues/delayed"
SECONDS = 10
SERVE = """
import sys, threading
from pathlib import Path
from tidegate_ops.timer_service import TimerService
with TimerService(Path(sys.argv[1])) as service:
    print(service.host, flush=True)
    threading.Event().wait()
"""


@dataclass(frozen=True)
class Target:
    """An HTTP server that keeps what it gets, and answers with ``statuses`` in turn, then with 200."""

    url: str
    requests: "Queue[tuple[float, str, str, bytes]]" = field(default_factory=Queue)
    statuses: "Queue[int]" = field(default_factory=Queue)

    def bodies(self, count: int) -> list[bytes]:
        """The bodies of the next requests."""
        return [self.requests.get(timeout=SECONDS)[-1] for _ in range(count)]


@contextmanager
def serving() -> Iterator[Target]:
    """A target, while it listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            target.requests.put((time.time(), self.path, self.headers["content-type"], body))
            self.send_response(200 if target.statuses.empty() else target.statuses.get())
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        target = Target(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield target
        server.shutdown()
        thread.join()


@pytest.fixture
def target() -> Iterator[Target]:
    """Where the tasks' requests go."""
    with serving() as made:
        yield made


@pytest.fixture
def lines() -> "Queue[str]":
    """What the service says."""
    return Queue()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> WoundClock:
    """The service's time; it notices soon when that is wound."""
    monkeypatch.setattr("tidegate_ops.timer_service._LOOK_SECONDS", 0.02)
    return WoundClock()


@pytest.fixture
def service(tmp_path: Path, clock: WoundClock, lines: "Queue[str]") -> Iterator[TimerService]:
    """A service at work."""
    with TimerService(tmp_path / "timers.sqlite3", clock=clock, on_line=lines.put) as made:
        yield made


def task(target: Target, name: str, *, delay: float = 0.0, body: bytes = b"{}") -> Task:
    """A task as Tidegate makes them."""
    return Task(
        name=f"{QUEUE}/tasks/{name}",
        schedule_time=datetime.now(UTC) + timedelta(seconds=delay),
        http_request={
            "url": f"{target.url}/v1/x:publish",
            "http_method": "POST",
            "headers": {"content-type": "application/json"},
            "body": body,
        },
    )


def create(host: str, wanted: Task) -> Task:
    """Call the service as a function does."""
    with closing(grpc.insecure_channel(host)) as channel:
        client = CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
        return client.create_task(parent=QUEUE, task=wanted, timeout=SECONDS)


def test_the_request_is_made_when_it_is_due(service: TimerService, target: Target) -> None:
    """Not before, and as the task says."""
    wanted = task(target, "a", delay=0.3, body=b'{"n": 1}')
    assert create(service.host, wanted).name == wanted.name
    moment, path, kind, body = target.requests.get(timeout=SECONDS)
    assert moment >= wanted.schedule_time.timestamp()
    assert (path, kind, body) == ("/v1/x:publish", "application/json", b'{"n": 1}')


def test_what_is_due_earlier_comes_first(service: TimerService, target: Target, clock: WoundClock) -> None:
    """A new task does not wait for those that were there before; one that is past due goes at once."""
    for name, delay in (("late", 120), ("soon", 60), ("past", -60)):
        create(service.host, task(target, name, delay=delay, body=name.encode()))
    for name in (b"past", b"soon", b"late"):
        assert target.bodies(1) == [name]
        clock.advance(60)


def test_a_name_is_taken_once(service: TimerService, target: Target, clock: WoundClock) -> None:
    """While the task waits, and after it is done."""
    create(service.host, task(target, "a", delay=60, body=b"a"))
    with pytest.raises(AlreadyExists):
        create(service.host, task(target, "a", body=b"while it waits"))
    clock.advance(60)
    assert target.bodies(1) == [b"a"]
    with pytest.raises(AlreadyExists):
        create(service.host, task(target, "a", body=b"afterwards"))
    create(service.host, task(target, "b", body=b"b"))
    assert target.bodies(1) == [b"b"]


def test_an_attempt_in_vain_is_repeated(service: TimerService, target: Target, lines: "Queue[str]") -> None:
    """Until a 2xx answers, after pauses that grow, and each is told."""
    for status in (404, 503, 302):
        target.statuses.put(status)
    create(service.host, task(target, "a"))
    moments = [target.requests.get(timeout=SECONDS)[0] for _ in range(4)]
    first, second, third = (later - earlier for earlier, later in pairwise(moments))
    assert first >= 0.1
    assert second >= 0.2
    assert third >= 0.4
    told = [lines.get(timeout=SECONDS) for _ in range(3)]
    assert told[0] == f"timer: {target.url}/v1/x:publish answers 404; attempt 1, the next in 0.1 s"
    assert "attempt 3, the next in 0.4 s" in told[2]


def test_a_target_that_is_down_is_tried_again(service: TimerService, lines: "Queue[str]") -> None:
    """Nobody listening is no reason to give up."""
    create(service.host, task(Target("http://127.0.0.1:1"), "a"))
    assert "ConnectError" in lines.get(timeout=SECONDS)
    assert "attempt 2" in lines.get(timeout=SECONDS)


def test_a_task_survives_the_service(tmp_path: Path, clock: WoundClock, target: Target) -> None:
    """Killed between creation and due time, its successor makes the request; names are remembered too."""
    file = tmp_path / "timers.sqlite3"
    told: Queue[str] = Queue()
    with ManagedProcess("timers", [sys.executable, "-c", SERVE, str(file)], on_line=told.put) as first:
        create(told.get(timeout=SECONDS), task(target, "a", delay=60, body=b"a"))
        os.kill(first.pid, signal.SIGKILL)
    with TimerService(file, clock=clock) as second:
        with pytest.raises(AlreadyExists):
            create(second.host, task(target, "a", body=b"again"))
        assert target.requests.empty()
        clock.advance(60)
        assert target.bodies(1) == [b"a"]


def test_a_task_without_a_name_gets_one(service: TimerService, target: Target) -> None:
    """As in the cloud, it is then never taken for another."""
    unnamed = task(target, "x")
    unnamed.name = ""
    names = {create(service.host, unnamed).name for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith(f"{QUEUE}/tasks/") for name in names)
    assert target.bodies(2) == [b"{}", b"{}"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "projects/p/locations/l/queues/other/tasks/a"}, "is not of queue"),
        ({"schedule_time": datetime.now(UTC) + timedelta(days=31)}, "more than 30 days ahead"),
        ({"http_request": {"url": "http://x", "body": b"x" * 1_000_001}}, "exceeds 1,000,000 bytes"),
        ({"http_request": None}, "only tasks with an HTTP request"),
    ],
)
def test_what_cloud_tasks_refuses(service: TimerService, target: Target, changes: dict[str, object], said: str) -> None:
    """The limits of the cloud hold here, too."""
    wanted = task(target, "a")
    for name, value in changes.items():
        setattr(wanted, name, value)
    with pytest.raises(InvalidArgument, match=said):
        create(service.host, wanted)
