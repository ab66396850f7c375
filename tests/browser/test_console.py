"""The operator's console as a person meets it: in a browser, at any width, by day and by night, with a keyboard."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.browser.contrast import faint_texts
from tests.flight_desk import FlightDesk, note, until
from tidegate_ops.embedded_server import EmbeddedServer

pytestmark = pytest.mark.anyio

POISON = {"flight_id": "EV1", "airline": "ExpressJet", "origin": "EWR", "destination": "ORF"}
MENDED = {**POISON, "flight_id": "EV1-EWR-20130208", "scheduled_departure": "2013-02-08T15:28:00-05:00"}
PATIENCE_MS = 60_000
ACTIVE = "document.activeElement.innerText || document.activeElement.id"


class Window:
    """The console, open in a browser.

    Attributes:
        complaints: what the browser's console said, and errors of scripts.
    """

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self._url = url.rstrip("/")
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def open(self, address: str, *, live: bool = True) -> None:
        """Show a page, and wait until it follows what happens."""
        await self.page.goto(self._url + address)
        if live:
            await self.shows("[data-state=live], [data-state=final]")

    async def shows(self, selector: str) -> None:
        """Wait until an element that is so is there."""
        await self.page.wait_for_selector(selector, state="attached", timeout=PATIENCE_MS)


Open = Callable[..., Awaitable[Window]]


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, one_event_loop: None) -> AsyncIterator[FlightDesk]:
    """The flight operations desk that all tests of this file share."""
    async with FlightDesk(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture
async def window(chromium: Any, desk: FlightDesk) -> AsyncIterator[Open]:
    """Opens windows on the console."""
    server, contexts = EmbeddedServer(desk.console), []

    async def open_(width: int = 1280, **context: Any) -> Window:
        opened = await chromium.new_context(viewport={"width": width, "height": 800}, **context)
        contexts.append(opened)
        return Window(await opened.new_page(), server.url)

    yield open_
    for context in contexts:
        await context.close()
    await server.close()


async def test_a_job_is_submitted_and_watched_until_it_settles(window: Open, desk: FlightDesk) -> None:
    """From the form that the contract makes; the page follows by itself, and says when nothing will change any more."""
    await desk.desk.pausing.pause("edit_note", "a test", "")
    console = await window()
    await console.open("/topics/note.edited")
    await console.page.fill("#field-flight_id", "EV100-EWR-20130208")
    await console.page.fill("#field-base_version", "0")
    await console.page.fill("#field-text", "De-icing.\nBack at six.")
    await console.page.fill("#field-editor", "an editor")
    await console.page.click("button.primary")
    await console.shows("#state .badge.busy")
    assert (await console.page.inner_text("main > [role=status]")).startswith("Submitted as a job")
    await desk.desk.pausing.resume("edit_note")
    await console.shows("#state .badge.good")
    await console.shows("[data-state=final]")
    assert await console.page.inner_text("#work tbody th") == "edit_note"
    assert console.complaints == []


async def test_a_poison_message_is_found_understood_mended_and_redriven(window: Open, desk: FlightDesk) -> None:
    """In four clicks from the first page, none of them into the dark."""
    console = await window()
    await console.open("/")
    await desk.publish("flight.cancelled", POISON, "poison-1")
    await console.shows("#tiles .bad")
    await console.page.click("#tiles .bad a")
    await console.page.click("text=poison-1")
    assert "flight_id: String should match" in await console.page.inner_text("#reason")
    await console.page.fill("#payload", json.dumps({**POISON, "flight_id": "EV1-EWR-20130208"}))
    await console.page.click("button[value=check]")
    assert await console.page.inner_text("#payload-faults") == "scheduled_departure: Field required"
    await console.page.fill("#payload", json.dumps(MENDED))
    await console.page.click("button[value=redrive]")
    await console.shows("#reason .badge.good")
    await console.page.click("text=Deliveries and logs")
    await console.shows("#story .own .badge.good")
    assert await desk.open_letters("poison-1") == []
    assert all("422" in each for each in console.complaints)  # what was refused, as it should be


async def test_a_function_is_paused_and_resumed(window: Open, desk: FlightDesk) -> None:
    """What comes meanwhile waits, and is seen to wait; what somebody is typing stays while the page follows."""
    console = await window()
    await console.open("/functions/edit_note")
    await console.page.fill("#pause-reason", "the desk moves house")
    await desk.submit("note.edited", note(200))
    await console.shows("#recent tbody tr")
    assert await console.page.input_value("#pause-reason") == "the desk moves house"
    await console.page.click("button[value=pause]")
    await console.shows("#state .badge.wait")
    assert "the desk moves house" in await console.page.inner_text("#state")
    await desk.submit("note.edited", note(201))
    await console.open("/")
    await console.shows(".flow.waits")
    await console.page.click("#node-function-edit_note")
    await console.page.click("button[value=resume]")
    await console.shows("#state .badge.good")
    assert console.complaints == []


async def test_letters_are_ticked_and_dropped_together(window: Open, desk: FlightDesk) -> None:
    """The second page shows what would be done before anything is."""
    for number in range(3):
        await desk.publish("flight.cancelled", POISON, f"many-{number}")
    await until(lambda: desk.open_letters("many-"), lambda ids: len(ids) == 3)
    console = await window()
    await console.open("/dead?reason=flight_id")
    await console.page.check("[aria-label='Tick rebook_passengers many-0']")
    await desk.publish("flight.cancelled", POISON, "many-3")
    await console.shows("text=many-3")
    assert await console.page.is_checked("[aria-label='Tick rebook_passengers many-0']")
    await console.page.click("#tick-all")
    await console.page.fill("#drop-reason", "tests")
    await console.page.click("#actions button[value=drop]")
    assert await console.page.inner_text("h1") == "Drop 4 letters?"
    await console.page.click("button[value=drop]")
    await console.shows("text=No open dead letter")
    assert console.complaints == []


async def test_the_keyboard_is_enough(window: Open, desk: FlightDesk) -> None:
    """Past the head, to a node of the picture, to its form, and pause; each stop shows that it has the focus."""
    console = await window()
    await console.open("/")
    reached = []
    for _ in range(8):
        await console.page.keyboard.press("Tab")
        reached.append((await console.page.evaluate(ACTIVE)).split("\n")[0])
        assert await console.page.evaluate("document.activeElement.matches(':focus-visible')")
    assert reached == ["Skip to the content", "tidegate", "Topology", "Jobs", "Dead letters", "find", "Find", "0"]
    await console.page.focus(".skip")
    await console.page.keyboard.press("Enter")
    assert await console.page.evaluate("document.activeElement.id") == "main"
    await console.page.focus("#node-function-close_day")
    await console.page.keyboard.press("Enter")
    await console.shows("#pause-reason")
    await console.page.focus("#pause-reason")
    await console.page.keyboard.type("by keyboard")
    await console.page.keyboard.press("Tab")
    await console.page.keyboard.press("Enter")
    await console.shows("#state .badge.wait")
    assert "by keyboard" in await console.page.inner_text("#state")
    await desk.desk.pausing.resume("close_day")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_can_be_read_on_a_telephone(window: Open, desk: FlightDesk, scheme: str) -> None:
    """Nothing has to be moved to the side, and every text stands out from what is behind it."""
    await desk.publish("flight.cancelled", POISON, f"phone-{scheme}")
    [letter] = await until(lambda: desk.open_letters(f"phone-{scheme}"), bool)
    job = await desk.submit("note.edited", note(300))
    console = await window(width=390, color_scheme=scheme, reduced_motion="reduce")
    addresses = ["/", "/jobs", f"/jobs/{job}", "/dead", f"/dead/{letter}", "/functions/rebook_passengers"]
    for address in [*addresses, "/topics/flight.assessed", f"/events/phone-{scheme}", "/topics/nothing-like-it"]:
        await console.open(address, live="nothing" not in address)
        assert await console.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        assert await faint_texts(console.page, 4.5) == [], address


async def test_without_scripts_everything_works(window: Open, desk: FlightDesk) -> None:
    """Pages are read by loading them, and forms are sent as ever."""
    console = await window(java_script_enabled=False)
    await console.open("/functions/post_flight", live=False)
    assert await console.page.inner_text("#link") == "Reload for news"
    await console.page.fill("#pause-reason", "no scripts")
    await console.page.click("button[value=pause]")
    assert "no scripts" in await console.page.inner_text("#state")
    await console.page.click("button[value=resume]")
    assert "paused" not in await console.page.inner_text("#state")


async def test_a_lost_connection_is_said(chromium: Any, desk: FlightDesk) -> None:
    """In words, above what may be old by now."""
    server = EmbeddedServer(desk.console)
    context = await chromium.new_context()
    console = Window(await context.new_page(), server.url)
    await console.open("/jobs")
    await server.close()
    await console.shows("[data-state=lost]")
    assert "does not answer" in await console.page.inner_text("#banner")
    await context.close()
