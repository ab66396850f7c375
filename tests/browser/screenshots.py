"""Pictures of every page of the console, by day and by night, on a desk and on a telephone.

``python -m tests.browser.screenshots FOLDER`` takes them of the flight operations desk on a busy morning.
"""

import asyncio
import csv
import io
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.flight_desk import PROJECT, FlightDesk, note, until
from tidegate_ops.console.topic_page import PREFIX
from tidegate_ops.embedded_server import EmbeddedServer

_SAMPLE = PROJECT.infra / "tidegate_ops" / "demo" / "data" / "flights-2013-02-08.csv"
_HOURS = range(5, 8)
_WIDTHS = {"desk": 1280, "phone": 390}
_POISON = {"flight_id": "EV3267", "airline": "ExpressJet", "origin": "Newark", "destination": "ORF"}


async def main(folder: Path) -> None:
    """Play the morning, and take the pictures."""
    from playwright.async_api import async_playwright

    with tempfile.TemporaryDirectory() as directory:
        async with FlightDesk(Path(directory)) as desk, async_playwright() as playwright:
            pages = await busy_morning(desk)
            server = EmbeddedServer(desk.console)
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            for scheme in ("light", "dark"):
                for device, width in _WIDTHS.items():
                    context = await browser.new_context(
                        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
                    )
                    for name, address in pages.items():
                        await picture(
                            await context.new_page(), server.url, address, folder / f"{name}-{scheme}-{device}.png"
                        )
                    await context.close()
            await browser.close()
            await server.close()


async def picture(page: Any, url: str, address: str | tuple[str, Mapping[str, str]], path: Path) -> None:
    """Take one; a page that answers a form is filled in and sent first."""
    target, filled = (address, None) if isinstance(address, str) else address
    await page.goto(url.rstrip("/") + target)
    if filled is not None:
        for selector, value in filled.items():
            if value:
                await page.fill(selector, value)
            else:
                await page.click(selector)
    if await page.locator("[data-live]").count():
        await page.wait_for_selector("[data-state=live], [data-state=final]")
    await page.screenshot(path=path, full_page=True)
    await page.close()


async def busy_morning(desk: FlightDesk) -> dict[str, Any]:
    """Give the desk what makes its pages worth looking at; the pages by their names."""
    day = await desk.submit("day.received", {"date": "2013-02-08", "manifests": _manifests()})
    for number in range(3):
        await desk.submit("note.edited", note(3260 + number, text="De-icing at stand 12."))
    await desk.submit("note.edited", note(4100, base_version=7))
    for number in range(4):
        await desk.publish("flight.cancelled", {**_POISON, "flight_id": f"EV{number}"}, f"poison-{number}")
    letters = await desk.letters(5)

    async def settled() -> Any:
        return (await desk.desk.firestore.collection("jobs").document(day).get()).to_dict()

    await until(settled, lambda fields: fields["settled_at"] is not None)
    await desk.desk.pausing.pause("track_hour", "the operator on call", "counts are rebuilt")
    later = _manifests()[1] | {"manifest_id": "EWR-20130208T06-again"}
    running = await desk.submit("manifest.received", later)
    await until(_backlog(desk, "track-hour"), lambda count: count > 5)
    letter = next(each for each in letters if each.startswith("rebook_passengers"))
    form = "/topics/note.edited"
    broken = {
        f"[name='{PREFIX}flight_id']": "EV 3267",
        f"[name='{PREFIX}base_version']": "none",
        f"[name='{PREFIX}text']": "De-icing at stand 12.\nBack at six.",
        "button.primary": "",
    }
    return {
        "topology": "/",
        "topic": form,
        "topic-faults": (form, broken),
        "topic-nested": "/topics/day.received",
        "jobs": "/jobs",
        "jobs-none": "/jobs?state=cancelled",
        "job": f"/jobs/{day}",
        "job-running": f"/jobs/{running}",
        "dead-letters": "/dead",
        "review": ("/dead", {"#tick-all": "", "button[value=redrive]": ""}),
        "dead-letter": f"/dead/{letter}",
        "function": "/functions/rebook_passengers",
        "function-paused": "/functions/track_hour",
        "event": "/events/poison-1",
        "nothing": f"/find?{urlencode({'id': 'never-seen'})}",
        "problem": "/topics/flight.canceled",
    }


def _backlog(desk: FlightDesk, subscription: str) -> Any:
    async def ask() -> int:
        return desk.application.broker.backlog(subscription)

    return ask


def _manifests() -> list[dict[str, str]]:
    """The first hours' flights from Newark, one of them with a row that is no flight."""
    with _SAMPLE.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["origin"] == "EWR" and int(row["hour"]) in _HOURS]
    manifests = []
    for hour in _HOURS:
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for row in rows if int(row["hour"]) == hour)
        if hour == _HOURS[0]:
            writer.writerow({**rows[0], "dep_delay": "soon", "flight": "x"})
        name = f"EWR-20130208T{hour:02}"
        manifests.append({"manifest_id": name, "origin": "EWR", "date": "2013-02-08", "csv": text.getvalue()})
    return manifests


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1])))
