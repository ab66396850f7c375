"""The console's pages, over the flight operations desk in memory."""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.api_core.exceptions import ServiceUnavailable
from pytest_mock import MockerFixture

from tests.flight_desk import FlightDesk, note, until
from tidegate_ops.console.guard import HEADERS
from tidegate_ops.console.topic_page import PREFIX

pytestmark = pytest.mark.anyio
NUMBERS = itertools.count(1)
OWN = {"sec-fetch-site": "same-origin"}
POISON = {"flight_id": "<b>EV</b>", "airline": "ExpressJet", "origin": "EWR", "destination": "ORF"}
MENDED = {**POISON, "flight_id": "EV1-EWR-20130208", "scheduled_departure": "2013-02-08T15:28:00-05:00"}


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, one_event_loop: None) -> AsyncIterator[FlightDesk]:
    """A desk that all tests of this file share."""
    async with FlightDesk(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture
async def http(desk: FlightDesk) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that works on its pages."""
    transport = httpx.ASGITransport(desk.console)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=OWN) as http:
        yield http


@pytest.fixture
async def letter(desk: FlightDesk) -> str:
    """The id of an open dead letter."""
    event_id = f"poison-{next(NUMBERS)}-"
    await desk.publish("flight.cancelled", POISON, event_id)
    [found] = await until(lambda: desk.open_letters(event_id), bool)
    return found


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found
    return unescape(found[1])


async def test_every_page_is_there(http: httpx.AsyncClient, desk: FlightDesk) -> None:
    """Complete without any script, and trusting nothing but itself."""
    job = await desk.submit("note.edited", note(1))
    addresses = ["/", "/jobs", f"/jobs/{job}", f"/jobs/{job}?rows=all", "/dead", "/dead?state=all", "/events/none"]
    addresses += [f"/topics/{each}" for each in desk.topology.topics]
    addresses += [f"/topics/{each}?as=json" for each in desk.topology.topics]
    addresses += [f"/functions/{each}" for each in desk.topology.functions]
    for address in addresses:
        page = await http.get(address)
        assert page.status_code == 200, address
        assert page.text.count("<h1") == 1, address
        assert not re.search(r"<script(?![^>]* src=)| style=| on\w+=", page.text), address
        assert {name: page.headers[name] for name in HEADERS if name != "Cache-Control"} == {
            name: value for name, value in HEADERS.items() if name != "Cache-Control"
        }
        assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "address",
    ["/nope", "/topics/flight.canceled", "/functions/nope", "/jobs/nope", "/jobs?state=odd", "/jobs?topic=odd",
     "/dead/nope.1", "/dead?state=odd"],
)  # fmt: skip
async def test_what_is_not_there_says_so(http: httpx.AsyncClient, address: str) -> None:
    """As a page with a way back."""
    page = await http.get(address)
    assert page.status_code == 404
    assert 'href="/"' in page.text


async def test_this_machine_alone_is_answered(http: httpx.AsyncClient) -> None:
    """Another name that resolves to it is not its own."""
    assert (await http.get("/", headers={"host": "evil.example"})).status_code == 400


@pytest.mark.parametrize("address", ["/topics/note.edited", "/functions/edit_note", "/dead", "/dead/x", "/jobs/x"])
async def test_other_sites_change_nothing(http: httpx.AsyncClient, address: str) -> None:
    """Whatever their forms say."""
    page = await http.post(address, data={"action": "pause"}, headers={"sec-fetch-site": "cross-site"})
    assert page.status_code == 403


@pytest.mark.parametrize("body", [{"json": {}}, {"files": {"x": b"y"}}])
async def test_what_is_no_form_is_refused(http: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """A browser sends none."""
    assert (await http.post("/functions/edit_note", **body)).status_code == 415


async def test_an_event_is_submitted_as_a_job(http: httpx.AsyncClient) -> None:
    """Where the front door takes it; the answer leads to the job."""
    filled = {f"{PREFIX}{name}": str(value) for name, value in note(2).items()}
    answer = await http.post("/topics/note.edited", data={**filled, "key": "EV2-EWR-20130208"})
    assert answer.status_code == 303
    assert re.fullmatch(r"/jobs/[0-9a-f]{32}\?done=submitted", answer.headers["location"])

    async def page() -> str:
        return (await http.get(answer.headers["location"])).text

    text = await until(page, lambda text: ">succeeded<" in text)
    assert "Submitted as a job" in text
    assert 'href="/functions/edit_note"' in text


async def test_other_events_are_published(http: httpx.AsyncClient) -> None:
    """As JSON as well; the answer leads to what comes of it."""
    answer = await http.post("/topics/flight.cancelled", data={"json": json.dumps(MENDED)})
    assert answer.status_code == 303
    location = answer.headers["location"]
    assert location.startswith("/events/")

    async def page() -> str:
        return (await http.get(location)).text

    assert "rebook_passengers" in await until(page, lambda text: ">done<" in text)


async def test_what_does_not_fit_is_shown_beside_its_field(http: httpx.AsyncClient) -> None:
    """With all that was filled in, and nothing is published."""

    async def published() -> list[str]:
        lines = (await http.get("/metrics")).text.splitlines()
        return [each for each in lines if each.startswith('tidegate_published_messages_total{topic="note.edited"}')]

    before = await published()
    filled = {f"{PREFIX}flight_id": "<i>x</i>", f"{PREFIX}base_version": "", f"{PREFIX}text": "\nsnow"}
    answer = await http.post("/topics/note.edited", data=filled)
    assert answer.status_code == 422
    assert 'value="&lt;i&gt;x&lt;/i&gt;"' in answer.text
    assert "<i>" not in answer.text
    assert re.search(r'id="field-flight_id-faults">\s*<li>String should match', answer.text)
    assert re.search(r'id="field-base_version-faults">\s*<li>Field required', answer.text)
    assert "\n\nsnow</textarea>" in answer.text  # the first line feed is markup
    assert await published() == before


@pytest.mark.parametrize(("text", "said"), [("", "is empty"), ("{", "Invalid JSON"), ("[]", "should be an object")])
async def test_json_that_does_not_fit(http: httpx.AsyncClient, text: str, said: str) -> None:
    """Is said as one fault of the whole, in the same form."""
    answer = await http.post("/topics/note.edited", data={"json": text})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'name="json"' in answer.text


async def test_nothing_is_published_among_the_dead_letters(http: httpx.AsyncClient) -> None:
    """They are the functions' own."""
    assert "<form method" not in (await http.get("/topics/dead.letters")).text
    assert (await http.post("/topics/dead.letters", data={"json": "{}"})).status_code == 404


async def test_what_others_wrote_is_text(http: httpx.AsyncClient, letter: str) -> None:
    """Markup in a payload, a reason or an id does nothing."""
    page = (await http.get(f"/dead/{letter}")).text
    assert "&lt;b&gt;EV&lt;/b&gt;" in page
    assert "<b>" not in page
    missing = (await http.get("/events/<b>x")).text
    assert "<b>" not in missing


async def test_a_letter_is_mended_and_redriven(http: httpx.AsyncClient, letter: str) -> None:
    """First only checked, then sent back; what does not fit is refused with the reason."""
    page = (await http.get(f"/dead/{letter}")).text
    form = {"seen": seen(page), "payload": json.dumps(MENDED)}
    checked = await http.post(f"/dead/{letter}", data={**form, "action": "check"})
    assert "fits flight.cancelled v1" in checked.text
    assert ">open<" in checked.text
    wrong = await http.post(f"/dead/{letter}", data={**form, "payload": "{", "action": "redrive"})
    assert (wrong.status_code, "This is no JSON" in wrong.text) == (422, True)
    unfit = await http.post(f"/dead/{letter}", data={**form, "payload": '{"origin": "x"}', "action": "redrive"})
    assert (unfit.status_code, "origin: String should match" in unescape(unfit.text)) == (422, True)
    sent = await http.post(f"/dead/{letter}", data={**form, "action": "redrive"})
    assert (sent.status_code, sent.headers["location"]) == (303, f"/dead/{letter}?done=redriven&count=1")
    after = (await http.get(sent.headers["location"])).text
    assert ">redriven<" in after
    assert 'value="redrive"' not in after


async def test_a_letter_that_has_changed_is_left_alone(http: httpx.AsyncClient, letter: str) -> None:
    """Whoever acts on what he saw before is told."""
    data = {"seen": "2013-02-08T00:00:00", "payload": json.dumps(MENDED), "action": "redrive"}
    answer = await http.post(f"/dead/{letter}", data=data)
    assert (answer.status_code, "has changed since you looked" in answer.text) == (422, True)


async def test_a_letter_is_dropped_with_a_reason(http: httpx.AsyncClient, letter: str, desk: FlightDesk) -> None:
    """Without one it is not; the operator is noted."""
    form = {"seen": seen((await http.get(f"/dead/{letter}")).text), "action": "drop"}
    refused = await http.post(f"/dead/{letter}", data={**form, "reason": " "})
    assert (refused.status_code, "Say why" in refused.text) == (422, True)
    assert (await http.post(f"/dead/{letter}", data={**form, "reason": "a test"})).status_code == 303
    fields = (await desk.firestore.collection("dead_letters").document(letter).get()).to_dict()
    assert fields is not None
    assert (fields["state"], fields["drop_reason"], fields["settled_by"]) == ("dropped", "a test", "an operator")


async def test_several_letters_at_once(http: httpx.AsyncClient, desk: FlightDesk) -> None:
    """The first page shows what would be done, the second does it; one settled meanwhile is named."""
    for number in range(2):
        await desk.publish("flight.cancelled", POISON, f"several-{number}")

    async def found() -> list[str]:
        return await desk.open_letters("several-")

    ids = await until(found, lambda ids: len(ids) == 2)
    review = await http.post("/dead", data={"action": "drop", "id": ids, "reason": "tests"})
    assert (review.status_code, "Drop 2 letters?" in review.text) == (200, True)
    assert len(await found()) == 2
    assert (await http.post("/dead", data={"action": "drop", "id": ids})).status_code == 422
    done = await http.post("/dead", data={"action": "drop", "id": ids, "reason": "tests", "agreed": "yes"})
    assert (done.status_code, done.headers["location"]) == (303, "/dead?done=dropped&count=2")
    again = await http.post("/dead", data={"action": "redrive", "id": ids, "agreed": "yes"})
    assert (again.status_code, "is dropped already" in again.text) == (422, True)
    nothing = await http.post("/dead", data={"action": "redrive"})
    assert nothing.headers["location"] == "/dead?done=nothing"


async def test_letters_are_narrowed(http: httpx.AsyncClient, letter: str) -> None:
    """By function, by what the reason has, by state."""
    for query, shown in [
        ("function=rebook_passengers", True),
        ("function=edit_note", False),
        ("reason=DOES+NOT+FIT", True),
        ("reason=nothing+like+it", False),
        ("state=dropped", False),
    ]:
        assert (f"/dead/{letter}" in (await http.get(f"/dead?{query}")).text) == shown, query


async def test_a_function_is_paused_and_resumed(http: httpx.AsyncClient) -> None:
    """With who did it and why on the page."""
    paused = await http.post("/functions/close_day", data={"action": "pause", "reason": "<moves> house"})
    assert paused.status_code == 303
    page = (await http.get(paused.headers["location"])).text
    assert "Paused by an operator: &lt;moves&gt; house" in page
    assert 'id="row-close_day"' in (await http.get("/")).text
    assert (await http.post("/functions/close_day", data={"action": "resume"})).status_code == 303
    assert ">paused<" not in (await http.get("/functions/close_day")).text


async def test_a_function_is_drained(http: httpx.AsyncClient, desk: FlightDesk, mocker: MockerFixture) -> None:
    """It goes on without the page, and ends in a pause."""
    look = asyncio.Event()
    mocker.patch.object(desk.desk.pausing, "_sleep", lambda seconds: look.wait())  # noqa: PT008 - it is awaited
    assert (await http.post("/functions/open_day", data={"action": "drain", "reason": "tests"})).status_code == 303

    async def page() -> str:
        return (await http.get("/functions/open_day")).text

    assert "Stop draining" in await page()
    look.set()
    await until(page, lambda text: ">paused<" in text)
    await http.post("/functions/open_day", data={"action": "resume"})


async def test_a_job_is_cancelled(http: httpx.AsyncClient, desk: FlightDesk) -> None:
    """What has not begun is left out."""
    await desk.desk.pausing.pause("edit_note", "a test", "")
    job = await desk.submit("note.edited", note(9))
    assert "Cancel this job" in (await http.get(f"/jobs/{job}")).text
    cancelled = await http.post(f"/jobs/{job}", data={})
    assert cancelled.headers["location"] == f"/jobs/{job}?done=cancelled"
    assert "Cancel this job" not in (await http.get(f"/jobs/{job}")).text
    await desk.desk.pausing.resume("edit_note")

    async def listed() -> str:
        return (await http.get("/jobs?state=cancelled&topic=note.edited")).text

    await until(listed, lambda text: f"/jobs/{job}" in text)


async def test_ids_lead_to_what_they_name(http: httpx.AsyncClient, desk: FlightDesk, letter: str) -> None:
    """A job, a dead letter, else an event."""
    job = await desk.submit("note.edited", note(10))
    for name, target in [(job, f"/jobs/{job}"), (letter, f"/dead/{letter}"), ("e-1", "/events/e-1"), (" ", "/")]:
        assert (await http.get("/find", params={"id": name})).headers["location"] == target


async def test_a_page_follows_as_a_stream(http: httpx.AsyncClient) -> None:
    """Asked for events, its address tells its live part; that of a settled job ends."""
    filled = {f"{PREFIX}{name}": str(value) for name, value in note(3).items()}
    location = (await http.post("/topics/note.edited", data=filled)).headers["location"]
    stream = await http.get(location, headers={"accept": "text/event-stream"})
    assert stream.headers["content-type"].startswith("text/event-stream")
    events = stream.text.split("\n\n")
    assert events[0] == "retry: 2000"
    assert events[1].startswith('data: <dl class="facts"')
    assert "event: final" in stream.text


async def test_a_store_that_is_away_is_said(http: httpx.AsyncClient, desk: FlightDesk, mocker: MockerFixture) -> None:
    """As a page of its own; what can be shown all the same is shown, with what is not known."""
    mocker.patch.object(desk.application.documents, "list", side_effect=ServiceUnavailable("away"))
    mocker.patch("tidegate.adapters.firestore_calls._FIRST_PAUSE_SECONDS", 0)
    page = await http.get("/jobs")
    assert (page.status_code, "does not answer" in page.text) == (503, True)
    overview = await http.get("/")
    assert (overview.status_code, "Not all is known" in overview.text) == (200, True)


async def test_numbers_are_told(http: httpx.AsyncClient) -> None:
    """To Prometheus, and to other commands."""
    assert "tidegate_deliveries_total" in (await http.get("/metrics")).text
    assert (await http.get("/traffic.json")).json()["functions"]["edit_note"]


def test_what_is_vendored_has_its_licence() -> None:
    """Beside it."""
    vendor = Path(__file__).parents[3] / "infra" / "tidegate_ops" / "console" / "static" / "vendor"
    scripts = sorted(vendor.glob("*.js"))
    assert scripts
    for script in scripts:
        assert (vendor / f"{script.name.partition('.')[0]}.LICENSE").is_file()
