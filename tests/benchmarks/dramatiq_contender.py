"""Dramatiq with Redis: the same work as tasks, for those who have both installed."""

import importlib.util
import json
import shutil
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from sys import executable

from tests.benchmarks.load import Answers, Refused
from tests.benchmarks.pushes import letters
from tests.benchmarks.recipes import listens
from tests.benchmarks.scenarios import IN_FLIGHT, Scenario
from tidegate_ops.processes import ManagedProcess, stop_all
from tidegate_ops.tcp_ports import free_ports

LABEL = "Dramatiq"
_FOLDER = Path(__file__).parent / "by_hand" / "queue"
_READY_SECONDS = 30
_TIMEOUT_MS = 120_000
_POLL_MS = 5
_QUEUE, _COPIES = "letters", "copies"
_THREADS = "8"  # what Dramatiq takes by itself


def missing() -> str:
    """What has to be installed first, and how; empty where nothing has."""
    if shutil.which("redis-server") is None:
        return "Redis is missing; install it with: sudo apt-get install redis-server"
    if importlib.util.find_spec("dramatiq") is None or importlib.util.find_spec("redis") is None:
        return "Dramatiq is missing; install it with: pip install -r tests/benchmarks/requirements.txt"
    return ""


class DramatiqContender:
    """Redis and one worker process; tasks are sent as fast as they can be."""

    label = LABEL

    def __init__(self, folder: Path, generator: ProcessPoolExecutor) -> None:
        [self._port] = free_ports(1)
        self._generator = generator
        redis = ["redis-server", "--bind", "127.0.0.1", "--port", str(self._port), "--save", "", "--dir", str(folder)]
        worker = ["dramatiq", "--processes", "1", "--threads", _THREADS, "--queues", _QUEUE, "--", "letters"]
        self._redis = ManagedProcess("Redis", redis)
        self._worker = ManagedProcess(
            LABEL, [executable, "-m", *worker], directory=_FOLDER, environment={"REDIS_URL": self._url}
        )

    @property
    def _url(self) -> str:
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        self._redis.start()
        self._redis.wait_ready(lambda: listens(self._port), _READY_SECONDS)
        self._worker.start()

    def stop(self) -> None:
        stop_all([self._worker, self._redis])

    def takes(self, scenario: Scenario) -> bool:
        """Its threads are as many as they are, and it knows no pure handlers."""
        return scenario.in_flight == IN_FLIGHT and not scenario.pure

    def pid(self, scenario: Scenario) -> int:
        return self._worker.pid

    def deliver(self, scenario: Scenario, batch: str, deliveries: int) -> Answers:
        return self._generator.submit(send, self._url, scenario, batch, deliveries).result()


def send(url: str, scenario: Scenario, batch: str, deliveries: int) -> Answers:
    """Send so many tasks; returns when all are done. How long one takes is not known."""
    from dramatiq import Message
    from dramatiq.brokers.redis import RedisBroker

    broker = RedisBroker(url=url)
    tasks: list[Mapping[str, object]] = [
        {"event_id": event_id, **json.loads(data)} for event_id, data in letters(scenario, batch, deliveries)
    ]
    broker.declare_queue(_QUEUE)
    began = time.perf_counter()
    for task in tasks:
        broker.enqueue(Message(queue_name=_QUEUE, actor_name="copy_letter", args=(), kwargs=dict(task), options={}))
    broker.join(_QUEUE, interval=_POLL_MS, timeout=_TIMEOUT_MS)
    wall_seconds = time.perf_counter() - began
    copies = broker.client.llen(f"dramatiq:{_COPIES}")
    broker.client.delete(f"dramatiq:{_COPIES}", f"dramatiq:{_COPIES}.msgs")
    broker.close()
    if copies != (0 if scenario.duplicate else deliveries * scenario.copies):
        raise Refused(f"{LABEL} has sent {copies} copies for {deliveries} letters")
    return Answers({200: deliveries}, wall_seconds, ())
