"""The front door over real HTTP: what it takes, what it tells, and that nothing is lost or done twice behind it."""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from typer.testing import CliRunner

from tests.acceptance.application import Application, running
from tests.acceptance.delivery_log import eventually
from tests.acceptance.manifests import CANCELLED, MALFORMED, ON_TIME, manifest
from tests.acceptance.projects import copy_desk
from tests.acceptance.tcp_proxy import TcpProxy
from tests.unit.webhook_receiver import Receiver, Request
from tidegate.client import Client, Job
from tidegate_ops.cli import app
from tidegate_ops.demo.partner import Partner

ROOT = Path(__file__).parents[2]
ATTEMPTS = 1_000  # while the partner is away, whoever needs it tries again once a second
REQUEST_SECONDS = 90
SETTLED_SECONDS = 120
LOCAL_SECRET = "whsec_dGlkZWdhdGUtbG9jYWwtd2ViaG9vay1zZWNyZXQ="
"""Signs webhooks on the emulators, as docs/webhooks.md says."""

WORK = {"known": 8, "settled": 8}
"""Of a manifest with a flight on time and a cancelled one: the manifest, two rows; the first is posted and counted,
the second as well, and rebooked."""
HELD = {"known": 8, "settled": 5}
"""The same without the partner: not settled are the rebooking, its row, and the manifest."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Door:
    """The desk's gateway, and the partner without whom no job with a cancelled flight settles."""

    desk: Application
    partner: Partner
    http: httpx.Client

    @contextmanager
    def held(self) -> Iterator[None]:
        """Meanwhile the partner is away."""
        self.partner.adjust(down=True)
        try:
            yield
        finally:
            self.partner.adjust(down=False)

    def submit(self, topic: str, data: Any, **headers: str) -> httpx.Response:
        """Hand in one event; header names with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.post(f"/v1/events/{topic}", json=data, headers=named)

    def accepted(self, topic: str, data: Any, **headers: str) -> str:
        """Hand in one event that is taken; returns where its job is."""
        answer = self.submit(topic, data, **headers)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        return answer.headers["location"]

    def job(self, location: str) -> dict[str, Any]:
        """The job as of now."""
        found: dict[str, Any] = self.http.get(location).raise_for_status().json()
        return found

    def settled(self, location: str) -> dict[str, Any]:
        """The job once it has settled."""

        def look() -> dict[str, Any]:
            found: dict[str, Any] = self.http.get(location, headers={"Prefer": "wait=20"}).raise_for_status().json()
            return found if found["settled_at"] else {}

        return eventually(look, SETTLED_SECONDS)

    def wait_progress(self, location: str, progress: dict[str, int]) -> None:
        """Return once so much of the job has settled."""
        eventually(lambda: self.job(location)["progress"] == progress, SETTLED_SECONDS)

    def event_jobs(self, topic: str) -> set[str]:
        """The ids of all jobs that events of a topic have become."""
        return {key for key, fields in self.desk.documents("jobs").items() if fields["topic"] == topic}


@pytest.fixture(scope="module")
def door(emulators_installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """The flight operations desk; use days and flights of the test's own."""
    root = copy_desk(tmp_path_factory.mktemp("front-door"), attempts=ATTEMPTS)
    with (
        Partner() as partner,
        running(root, {"REBOOKING_API_URL": partner.url}) as desk,
        httpx.Client(base_url=desk.stack.urls["gateway"], timeout=REQUEST_SECONDS) as http,
    ):
        yield Door(desk, partner, http)


@pytest.fixture
def day() -> date:
    """A day that no other test uses."""
    return date(2013, 1, 1) + timedelta(days=next(_numbers))


def note(flight: str = "", **fields: Any) -> dict[str, Any]:
    """The first edit of a flight's note; of a flight that has no other unless it is named."""
    flight_id = flight or f"B6{next(_numbers)}-JFK-20130208"
    return {"flight_id": flight_id, "base_version": 0, "text": "Gate 7", "editor": "zoe", **fields}


def test_submitted_followed_and_done(door: Door, day: date) -> None:
    """202 says where the job is; whoever waits there is answered as soon as it has settled, with its result."""
    body = {"date": day.isoformat(), "manifests": [manifest(day, ON_TIME, CANCELLED)]}
    with door.held(), ThreadPoolExecutor(1) as aside:
        answer = door.submit("day.received", body)
        receipt, location = answer.json(), answer.headers["location"]
        assert (answer.status_code, receipt["state"]) == (202, "running")
        assert location == receipt["location"] == f"/v1/jobs/{receipt['id']}"
        door.wait_progress(location, {"known": 11, "settled": 5})

        impatient = door.http.get(location, headers={"Prefer": "wait=1"})
        assert impatient.headers["preference-applied"] == "wait=1"
        assert (impatient.json()["state"], impatient.json()["settled_at"]) == ("running", None)

        patient = aside.submit(door.http.get, location, headers={"Prefer": "wait=60"})
        door.partner.adjust(down=False)
        job = patient.result().json()
    assert (job["id"], job["event_id"], job["topic"]) == (receipt["id"], receipt["event_id"], "day.received")
    assert (job["state"], job["progress"], job["failures"]) == ("succeeded", {"known": 11, "settled": 11}, [])
    assert job["settled_at"] > job["accepted_at"]
    sums = {"flights": 2, "on_time": 1, "cancelled": 1, "delayed": 0, "diverted": 0, "delay_minutes": 0}
    assert job["result"] == {"date": day.isoformat(), **sums}


def test_a_smoke_test_goes_all_the_way(door: Door) -> None:
    """What a deployment is tried with is accepted, pushed, handled once and followed to its end."""
    arguments = ["smoke", "manifest.received", str(ROOT / "infra/smoke.json"), "--url", door.desk.stack.urls["gateway"]]
    ended = CliRunner().invoke(app, arguments)
    assert ended.exit_code == 0, ended.output
    job = door.desk.document(f"jobs/{ended.output.split()[-1]}") or {}
    door.desk.log.wait_delivery(function="split_manifest", event_id=job["event_id"])
    assert [
        each["verdict"] for each in door.desk.log.deliveries(function="split_manifest", event_id=job["event_id"])
    ] == ["done"]


def test_one_key_from_many_callers_at_once_is_one_job(door: Door) -> None:
    """Twenty get the same answer, and the note is edited once."""
    edit, before = note(), door.event_jobs("note.edited")
    with ThreadPoolExecutor(20) as callers:
        asked = [callers.submit(door.submit, "note.edited", edit, Idempotency_Key="at-once") for _ in range(20)]
        answers = [each.result() for each in asked]
    assert {each.status_code for each in answers} == {202}
    [receipt] = {each.json()["id"]: each.json() for each in answers}.values()
    assert {each.headers["location"] for each in answers} == {receipt["location"]}
    assert door.event_jobs("note.edited") - before == {receipt["id"]}
    assert door.settled(receipt["location"])["state"] == "succeeded"
    assert door.submit("note.edited", edit, Idempotency_Key="at-once").json()["state"] == "succeeded"
    door.desk.log.wait_quiet(2)
    assert len(door.desk.log.deliveries(event_id=receipt["event_id"], verdict="done")) == 1
    edited = door.desk.document(f"notes/{edit['flight_id']}") or {}
    assert (edited["version"], edited["conflicts"]) == (1, 0)


def test_a_key_stands_for_its_data(door: Door) -> None:
    """The same key with other data is refused, and the first job is as it was."""
    location = door.accepted("note.edited", note(), Idempotency_Key="one-thing")
    job = door.settled(location)
    refused = door.submit("note.edited", note(), Idempotency_Key="one-thing")
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:tidegate:problem:key-reused")
    assert door.job(location) == job


def test_unfit_data_is_refused_where_it_is_wrong(door: Door) -> None:
    """The problem points to each field at fault, and nothing is kept."""
    before = door.event_jobs("note.edited")
    unfit = door.submit("note.edited", note("EV3267", base_version=-1))
    malformed = door.http.post(
        "/v1/events/note.edited", content=b'{"text": ', headers={"Content-Type": "application/json"}
    )
    for answer in (unfit, malformed):
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
    assert (unfit.status_code, unfit.json()["type"]) == (422, "urn:tidegate:problem:invalid-data")
    assert {each["pointer"] for each in unfit.json()["errors"]} == {"/flight_id", "/base_version"}
    assert (malformed.status_code, malformed.json()["type"]) == (400, "urn:tidegate:problem:malformed-body")
    assert door.event_jobs("note.edited") == before


def test_each_line_of_a_batch_has_its_own_outcome(door: Door) -> None:
    """Good lines become jobs whatever stands beside them; the whole, sent again, is the same jobs."""
    edits = [note() for _ in range(40)]
    texts = [json.dumps(each) for each in edits]
    unfit = {7: json.dumps(note("nowhere")), 23: '{"flight_id": '}
    lines = [unfit.get(number, text) for number, text in enumerate(texts, start=1)]
    headers = {"Content-Type": "application/x-ndjson", "Idempotency-Key": "batch"}
    first, second = (
        door.http.post("/v1/events/note.edited", content="\n".join(lines), headers=headers) for _ in range(2)
    )
    outcomes = [json.loads(each) for each in first.text.splitlines()]
    assert (first.status_code, [each["line"] for each in outcomes]) == (200, list(range(1, 41)))
    refused = {each["line"]: each["problem"]["type"].rpartition(":")[2] for each in outcomes if "problem" in each}
    assert refused == {7: "invalid-data", 23: "malformed-body"}
    accepted = {each["line"]: each["id"] for each in outcomes if each["status"] == 202}
    assert accepted.keys() == set(range(1, 41)) - refused.keys()
    again = [json.loads(each) for each in second.text.splitlines()]
    assert {each["line"]: each["id"] for each in again if each["status"] == 202} == accepted

    for number, job in accepted.items():
        assert door.settled(f"/v1/jobs/{job}")["state"] == "succeeded"
        edited = door.desk.document(f"notes/{edits[number - 1]['flight_id']}") or {}
        assert (edited["version"], edited["conflicts"]) == (1, 0)


@dataclass(frozen=True)
class ServerEvent:
    """An event of a stream."""

    name: str
    id: str
    data: dict[str, Any]


def server_events(answer: httpx.Response) -> Iterator[ServerEvent]:
    """The events of a stream as they come; without comments."""
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if not line and "event" in fields:
            yield ServerEvent(fields["event"], fields["id"], json.loads(fields["data"]))
        name, _, value = line.partition(": ")
        fields = {**fields, name: value} if line else {}


def test_a_stream_that_is_cut_is_taken_up_where_it_broke(door: Door, day: date) -> None:
    """Whoever says what it saw last is told what came after, up to the settled job, and then nothing."""
    with door.held(), TcpProxy() as proxy, httpx.Client(timeout=REQUEST_SECONDS) as http:
        proxy.target = httpx.URL(door.desk.stack.urls["gateway"]).netloc.decode()
        location = door.accepted("manifest.received", manifest(day, ON_TIME, CANCELLED))
        stream = f"http://{proxy.host}{location}/events"
        with http.stream("GET", stream) as answer:
            events = server_events(answer)
            seen = [next(events)]
            while seen[-1].data != {"state": "running", **HELD}:
                seen.append(next(events))
            assert proxy.cut() > 0
            with pytest.raises(httpx.TransportError):
                next(events)
        with http.stream("GET", stream, headers={"Last-Event-ID": seen[-1].id}) as answer:
            door.partner.adjust(down=False)
            rest = list(server_events(answer))
        ids = [each.id for each in (*seen, *rest)]
        assert len(set(ids)) == len(ids)
        assert {each.name for each in (*seen, *rest[:-1])} == {"progress"}
        assert (rest[-1].name, rest[-1].data["progress"]) == ("settled", WORK)
        assert rest[-1].data == door.job(location)
        assert http.get(stream, headers={"Last-Event-ID": rest[-1].id}).status_code == 204


def test_a_running_job_is_cancelled(door: Door, day: date) -> None:
    """What has not been done by then is left out; the job says so, and stays so."""
    with door.held():
        location = door.accepted("manifest.received", manifest(day, ON_TIME, CANCELLED))
        door.wait_progress(location, HELD)
        asked = door.http.delete(location)
        assert (asked.status_code, asked.json()["state"]) == (202, "running")
        assert asked.json()["cancel_requested_at"]
        job = door.settled(location)
    assert (job["state"], job["progress"]) == ("cancelled", WORK)
    assert [(each["function"], each["fault"]) for each in job["failures"]] == [("rebook_passengers", "cancelled")]
    again = door.http.delete(location)
    assert (again.status_code, again.json()) == (200, job)
    door.desk.log.wait_quiet(2)
    assert f"B62-JFK-{day:%Y%m%d}" not in {each.flight_id for each in door.partner.log()}
    assert door.desk.letters(event_id=job["failures"][0]["event_id"]) == []


def test_a_job_that_is_known_is_not_sent_again(door: Door, day: date) -> None:
    """Its entity tag stands for it until there is news, and a wait with it ends at any news."""
    with door.held():
        location = door.accepted("manifest.received", manifest(day, ON_TIME, CANCELLED))
        door.wait_progress(location, HELD)
        shown = door.http.get(location)
        known = {"If-None-Match": shown.headers["etag"]}
        same = door.http.get(location, headers=known)
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", shown.headers["etag"])
        waited = door.http.get(location, headers={**known, "Prefer": "wait=1"})
        assert (waited.status_code, waited.headers["preference-applied"]) == (304, "wait=1")
        with ThreadPoolExecutor(1) as aside:
            waiting = aside.submit(door.http.get, location, headers={**known, "Prefer": "wait=60"})
            door.partner.adjust(down=False)
            news = waiting.result()
    assert (news.status_code, news.headers["etag"] != shown.headers["etag"]) == (200, True)
    assert news.json()["progress"]["settled"] > HELD["settled"]
    settled = door.http.get(location, headers={"Prefer": "wait=60"})
    assert settled.json()["state"] == "succeeded"
    last = {"If-None-Match": f'"another", {settled.headers["etag"]}'}
    assert door.http.get(location, headers=last).status_code == 304


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    """A receiver of webhooks that gives these answers, in turn."""
    answers = iter(statuses)

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {next(answers)} Said\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()

    with start_blocking_portal() as portal, portal.wrap_async_context_manager(Receiver(answer)) as receiver:
        yield receiver


def signed(request: Request) -> bool:
    """Whether the local secret signed this webhook, by the Standard Webhooks specification."""
    key = base64.b64decode(LOCAL_SECRET.removeprefix("whsec_"))
    content = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    return request.headers["webhook-signature"] == f"v1,{expected}"


def test_a_receiver_is_told_by_a_signed_callback(door: Door, day: date) -> None:
    """Tried again until it is taken; each attempt is signed, and logged below the job."""
    with receiving(500, 500, 204) as receiver:
        location = door.accepted(
            "manifest.received", manifest(day, ON_TIME, MALFORMED), Tidegate_Callback_Url=receiver.url
        )
        job = door.settled(location)
        log = f"jobs/{job['id']}/job_callbacks"
        eventually(lambda: len(door.desk.documents(log)) == 3, SETTLED_SECONDS)
        door.desk.log.wait_quiet(2)
    assert len(receiver.requests) == 3
    assert (job["state"], [each["function"] for each in job["failures"]]) == ("failed", ["assess_flight"])
    assert all(map(signed, receiver.requests))
    assert not any(signed(Request(each.line, each.headers, each.body + b" ")) for each in receiver.requests)
    assert len({each.headers["webhook-id"] for each in receiver.requests}) == 1
    assert {each.line for each in receiver.requests} == {"POST /callback?job=1 HTTP/1.1"}
    told = {name: job[name] for name in ("id", "state", "settled_at", "result", "failures")}
    for request in receiver.requests:
        body = json.loads(request.body)
        assert body == {"type": "job.settled", "timestamp": job["settled_at"], "data": told}

    logged = door.desk.documents(log)
    attempts = [logged[key] for key in sorted(logged)]
    assert [(each["attempt"], each["status"], each["host"]) for each in attempts] == [
        (1, 500, "localhost"),
        (2, 500, "localhost"),
        (3, 204, "localhost"),
    ]
    assert [bool(each["error"]) for each in attempts] == [True, True, False]


@pytest.mark.anyio
async def test_the_gateway_is_killed_while_it_accepts(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it had said or not said by then: each submission is one job that settles, with one effect."""
    caplog.set_level(logging.DEBUG, "tidegate.client")
    edits, before = [note() for _ in range(200)], door.event_jobs("note.edited")
    kills = {20: True, 60: True, 100: False, 150: True}  # of a worker, or of the master above it
    jobs: dict[str, Job] = {}
    places = asyncio.Semaphore(16)

    async def submit(client: Client, edit: dict[str, Any]) -> None:
        async with places:
            flight = edit["flight_id"]
            jobs[flight] = await client.submit(topic="note.edited", data=edit, idempotency_key=f"killed-{flight}")
            if (worker := kills.get(len(jobs))) is not None:
                await asyncio.to_thread(partial(door.desk.kill, "gateway", worker=worker))

    async with Client(door.desk.stack.urls["gateway"], patience=SETTLED_SECONDS) as client:
        await asyncio.gather(*(submit(client, edit) for edit in edits))
        assert await jobs[edits[0]["flight_id"]] is None
    assert "cannot be reached" in caplog.text, "no kill cut a request off: this run proves nothing"

    accepted = {job.id for job in jobs.values()}
    assert len(accepted) == len(edits)
    assert door.event_jobs("note.edited") - before == accepted

    def all_succeeded() -> bool:
        found = door.desk.documents("jobs")
        return {found[each]["state"] for each in accepted} == {"succeeded"}

    await asyncio.to_thread(eventually, all_succeeded, SETTLED_SECONDS)
    await asyncio.to_thread(door.desk.log.wait_quiet, 2)
    notes = door.desk.documents("notes")
    assert {(notes[each]["version"], notes[each]["conflicts"]) for each in jobs} == {(1, 0)}
