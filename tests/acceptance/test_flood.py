"""A flood at the front door: too much is told to come again, what was accepted is done, and who obeys gets through."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.application import Application, running
from tests.acceptance.delivery_log import eventually
from tests.acceptance.projects import copy_canal
from tidegate.client import Client, GatewayUnavailable, Job

pytestmark = pytest.mark.anyio

BOUND, PER_SECOND, BURST = 25, 5, 40
BARGES = 150
PATIENT = 60
AT_A_TIME = 16
SETTLED_SECONDS = 120
REMEMBERED_SECONDS = 1
"""For so long the gateway goes by what it has counted, or could not count in time."""
PATH = "/v1/events/barge.arrived"


@pytest.fixture
def canal(emulators_installed: None, tmp_path: Path) -> Iterator[Application]:
    """The canal beside these tests, its lock shut; the file ``open`` opens it."""
    with running(copy_canal(tmp_path / "project"), {"CANAL_DIR": str(tmp_path)}) as application:
        yield application


class Skipper:
    """A client at an address of its own that does not listen."""

    def __init__(self, gateway: str, host: str) -> None:
        self.answers: list[httpx.Response] = []
        self.host = host
        self._http = httpx.AsyncClient(
            base_url=gateway, timeout=60, transport=httpx.AsyncHTTPTransport(local_address=host)
        )

    async def arrive(self, barge: str) -> httpx.Response:
        """Hand in one barge, under its own name as key."""
        answer = await self._http.post(PATH, json={"barge": barge}, headers={"Idempotency-Key": barge})
        self.answers.append(answer)
        return answer

    async def flood(self, count: int) -> float:
        """Hand in many at once; returns the seconds that it took."""
        places, began = asyncio.Semaphore(AT_A_TIME), time.monotonic()

        async def one(number: int) -> None:
            async with places:
                await self.arrive(f"{self.host}-{number}")

        await asyncio.gather(*(one(number) for number in range(count)))
        return time.monotonic() - began

    async def close(self) -> None:
        await self._http.aclose()


async def test_a_flood_from_two_clients(canal: Application, tmp_path: Path) -> None:
    """Each is held to its rate, both to the bound; every job that was accepted settles, each with one effect."""
    gateway = canal.stack.urls["gateway"]
    early = Skipper(gateway, "127.0.0.3")
    assert (await early.arrive("early")).status_code == 202
    # The first counting of a new emulator may have taken too long; the flood begins with another.
    counted = time.monotonic()
    await asyncio.to_thread(eventually, lambda: time.monotonic() - counted > REMEMBERED_SECONDS)
    skippers = [Skipper(gateway, host) for host in ("127.0.0.1", "127.0.0.2")]
    seconds = await asyncio.gather(*(each.flood(BARGES) for each in skippers))

    for skipper, took in zip(skippers, seconds, strict=True):
        told = Counter(each.status_code for each in skipper.answers)
        assert told.keys() <= {202, 429, 503}
        admitted = BURST + PER_SECOND * took + 1
        assert 0 < told[202] + told[503] <= admitted
        assert told[429] > 0 or admitted >= BARGES
        refused = [each for each in skipper.answers if each.status_code != 202]
        assert all(int(each.headers["retry-after"]) >= 1 for each in refused)
        types = {(each.status_code, each.json()["type"].rpartition(":")[2]) for each in refused}
        assert types <= {(429, "rate-exceeded"), (503, "backlog-full")}
    accepted = {
        each.json()["id"]: each.request
        for skipper in (early, *skippers)
        for each in skipper.answers
        if each.status_code == 202
    }
    assert len(accepted) == len(canal.documents("jobs")) == BOUND

    # What was accepted is found again, however full it is; what is new is refused.
    late = Skipper(gateway, "127.0.0.4")
    job, request = next(iter(accepted.items()))
    again = await late.arrive(request.headers["idempotency-key"])
    assert (again.status_code, again.json()["id"]) == (202, job)
    assert (await late.arrive("late")).status_code == 503

    waits: list[tuple[GatewayUnavailable, float]] = []

    def note(reason: GatewayUnavailable, pause: float) -> None:
        waits.append((reason, pause))
        if len(waits) == 4:
            (tmp_path / "open").touch()

    async with Client(gateway, patience=SETTLED_SECONDS, on_wait=note) as client:
        fleet: list[Any] = [{"barge": f"patient-{number}"} for number in range(PATIENT)]
        one_by_one = [client.submit(topic="barge.arrived", data=each) for each in fleet[:50]]
        jobs: list[Job | None] = [*await asyncio.gather(*one_by_one)]
        jobs += [outcome.job async for outcome in client.submit_many(fleet[50:], topic="barge.arrived")]
        for each in jobs:
            assert each is not None
            assert await each is None
    assert len(waits) >= 4
    assert all(pause >= (reason.retry_after or 0) for reason, pause in waits)
    assert any("have not settled" in str(reason) for reason, _ in waits)
    assert any("5 events a second" in str(reason) for reason, _ in waits)

    def all_succeeded() -> bool:
        return {each["state"] for each in canal.documents("jobs").values()} == {"succeeded"}

    await asyncio.to_thread(eventually, all_succeeded, SETTLED_SECONDS)
    assert len(canal.documents("jobs")) == BOUND + PATIENT
    barges = canal.documents("barges")
    assert (len(barges), {each["times"] for each in barges.values()}) == (BOUND + PATIENT, {1})
    for each in (early, *skippers, late):
        await each.close()
