"""Load on the gateway that does not wait for answers before it sends more."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import httpx

from tidegate_ops.demo.figures import percentile
from tidegate_ops.experiments.bench import TOPIC
from tidegate_ops.experiments.flights import cancelled

_PATH = f"/v1/events/{TOPIC}"
_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request."""

    status: int
    seconds: float
    retry_after: str
    job: str


class Load:
    """Requests that come at their time, whether those before them have been answered or not.

    Attributes:
        sent: how many there were so far.
        counts: status → how many have been answered so; 0 for those that got no answer.
    """

    def __init__(self, url: str) -> None:
        self.sent = 0
        self.counts: Counter[int] = Counter()
        self.answers: list[Answer] = []
        self._url = url
        self._name = uuid4().hex[:8]

    @property
    def accepted(self) -> list[str]:
        """The jobs that were accepted."""
        return [each.job for each in self.answers if each.job]

    @property
    def p99_ms(self) -> float:
        """The 99th percentile of how long accepted requests took."""
        seconds = percentile([each.seconds for each in self.answers if each.job], 99)
        return round((seconds or 0.0) * 1000, 1)

    def send(self, per_second: float, seconds: float, on_sent: Callable[[int], None]) -> None:
        """Send so many a second for so long; returns when the last one has been answered."""
        asyncio.run(self._send(per_second, seconds, on_sent))

    async def _send(self, per_second: float, seconds: float, on_sent: Callable[[int], None]) -> None:
        clock = asyncio.get_running_loop().time
        began = clock()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        async with (
            httpx.AsyncClient(base_url=self._url, timeout=_TIMEOUT_SECONDS, limits=limits) as client,
            asyncio.TaskGroup() as requests,
        ):
            for flight in cancelled(int(self._name, 16) * 10**6, round(per_second * seconds)):
                await asyncio.sleep(began + self.sent / per_second - clock())
                requests.create_task(self._submit(client, flight.flight_id, flight.to_json()))
                self.sent += 1
                on_sent(self.sent)

    async def _submit(self, client: httpx.AsyncClient, key: str, body: bytes) -> None:
        began = time.monotonic()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        try:
            response = await client.post(_PATH, content=body, headers=headers)
        except httpx.TransportError:
            answer = Answer(0, time.monotonic() - began, "", "")
        else:
            job = response.json()["id"] if response.status_code == httpx.codes.ACCEPTED else ""
            retry_after = response.headers.get("retry-after", "")
            answer = Answer(response.status_code, time.monotonic() - began, retry_after, job)
        self.answers.append(answer)
        self.counts[answer.status] += 1
