"""The gateway on memory adapters, with faults on request, and clients that speak to it in process."""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.firestore_lanes import FirestoreLanes
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.memory_ledger import MemoryLedger
from tidegate.errors import StoreUnavailable
from tidegate.function_config import HttpFunctionConfig
from tidegate.http_service import HttpService
from tidegate.jobs import Job, NewJob, Progress
from tidegate.places import ROOT
from tidegate.ports import Ports
from tidegate.records import Record, Status, record_key
from tidegate.settings import Settings
from tidegate.sites import Site
from tidegate.testing.clock import WorldClock
from tidegate.testing.outlets import RecordingPublisher, RecordingTimers
from tidegate_ops.project import Project

PROJECT = Project.find(Path(__file__).parent)
GATEWAY = PROJECT.load_http_handler("gateway")
LOOPBACK = ("127.0.0.1", 50_000)
ELSEWHERE = ("203.0.113.7", 50_000)
MANIFEST = {"manifest_id": "EWR-20130208T15", "origin": "EWR", "date": "2013-02-08", "csv": "year,month\n2013,2\n"}
NOTE = {"flight_id": "EV3267-EWR-20130208", "base_version": 0, "text": "Gate 7", "editor": "zoë"}
SUBSCRIBERS = {"manifest.received": ("split_manifest",), "note.edited": ("edit_note", "publish_note")}


@dataclass
class FaultyJobs:
    """Jobs in front of others; the next calls fail ``before`` or ``after`` they were made.

    Attributes:
        reads: how often a job was read.
        counts: how often the unsettled ones were counted.
    """

    jobs: FirestoreJobs
    script: deque[str] = field(default_factory=deque)
    reads: int = 0
    counts: int = 0

    async def accept(self, new: NewJob) -> Job:
        return await self._tried(lambda: self.jobs.accept(new))  # type: ignore[no-any-return]

    async def read(self, job: str) -> Job | None:
        self.reads += 1
        return await self._tried(lambda: self.jobs.read(job))  # type: ignore[no-any-return]

    async def progress(self, job: str) -> Progress:
        return await self.jobs.progress(job)

    async def unsettled(self, topic: str, since: datetime, most: int) -> int:
        self.counts += 1
        return await self._tried(lambda: self.jobs.unsettled(topic, since, most))  # type: ignore[no-any-return]

    async def cancel(self, job: str) -> Job | None:
        return await self._tried(lambda: self.jobs.cancel(job))  # type: ignore[no-any-return]

    async def _tried(self, call: Any) -> Any:
        mishap = self.script.popleft() if self.script else ""
        if mishap == "before":
            raise StoreUnavailable("the store is away")
        answer = await call()
        if mishap == "after":
            raise StoreUnavailable("the answer was lost")
        return answer


class FrontDoor:
    """One gateway and all that it works with; ``options`` are those of its configuration."""

    def __init__(self, *, emulated: bool = True, **options: Any) -> None:
        self.clock = WorldClock()
        self.documents = MemoryDocuments(self.clock)
        self.firestore = memory_firestore(self.documents)
        self.jobs = FaultyJobs(FirestoreJobs(self.firestore, jitter=lambda: 0.0))
        self.publisher = RecordingPublisher()
        draws = itertools.count(1)
        self.ports = Ports(
            ledger=MemoryLedger(self.documents),
            publisher=self.publisher,
            jobs=self.jobs,  # type: ignore[arg-type] - the part of the port that a gateway uses
            timers=RecordingTimers(),
            circuits=FirestoreCircuits(self.firestore),
            lanes=FirestoreLanes(self.firestore),
            firestore=lambda: self.firestore,
            observe=lambda report: None,
            draw=lambda: f"draw-{next(draws)}",
            clock=self.clock,
            jitter=lambda most: most,
        )
        host = "127.0.0.1:1" if emulated else ""
        settings = Settings("memory", firestore_emulator_host=host, pubsub_emulator_host=host)
        site = Site(gateway_config(**options), settings, self.ports)
        gateway = GATEWAY.call(site)
        self.application = HttpService(replace(GATEWAY, call=lambda site: gateway), site)

    def client(self, address: tuple[str, int] = LOOPBACK, **headers: str) -> httpx.AsyncClient:
        """A client that calls from ``address``, with these headers at each request."""
        transport = httpx.ASGITransport(self.application, client=address, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers)

    async def job(self, key: str = "k-1", **headers: str) -> str:
        """Accept a manifest and return its job's id."""
        async with self.client(**{"Idempotency-Key": key, **headers}) as client:
            answer = await client.post("/v1/events/manifest.received", json=MANIFEST)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    async def claim(self, function: str, event_id: str) -> None:
        """Let a function have begun with an event."""
        now = self.clock()
        record = Record(function, event_id, Status.CLAIMED, "somebody", 1, now, "hash", now)
        await self.ports.ledger.write(record_key(function, event_id), record, None)

    async def change(self, job: str, **fields: Any) -> None:
        """Set fields of a job's document."""
        await self.firestore.document(f"jobs/{job}").update(fields)

    async def advance(self, job: str, settled: int, units: int) -> None:
        """Let the job have come so far."""
        root = self.firestore.document(f"jobs/{job}/job_nodes/{ROOT}")
        await root.update({"settled": settled, "units": units})

    async def settle(self, job: str, state: str = "succeeded", result: str | None = None) -> None:
        """Let the job come to its end."""
        await self.change(job, state=state, settled_at=self.clock(), result=result)


def gateway_config(**options: Any) -> HttpFunctionConfig:
    """A gateway's slice of the topology, with ``options`` instead of the defaults."""
    defaults: dict[str, Any] = {
        "function": "gateway",
        "accepts": tuple(SUBSCRIBERS),
        "access": "iam",
        "timeout_seconds": 60,
        "concurrency": 80,
        "ledger_days": 45,
        "retention_days": 7,
        "subscribers": SUBSCRIBERS,
    }
    return HttpFunctionConfig.model_validate(defaults | options)


@dataclass
class Listener:
    """A client that takes a response as it comes, and may leave in the middle of it."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    chunks: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self) -> bytes:
        """The next part of the body."""
        return await self.chunks.get()

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        elif message.get("body"):
            self.chunks.put_nowait(message["body"])


@asynccontextmanager
async def listening(door: FrontDoor, path: str, **headers: str) -> AsyncIterator[Listener]:
    """Make a GET request and take its response piece by piece; ends it at the end."""
    listener = Listener()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()],
        "client": LOOPBACK,
        "server": ("gateway", 80),
    }
    call = door.application(scope, listener.receive, listener.send)  # type: ignore[arg-type]
    request = asyncio.ensure_future(call)
    request.add_done_callback(lambda _: listener.ended.set())
    try:
        yield listener
    finally:
        listener.left.set()
        await request
