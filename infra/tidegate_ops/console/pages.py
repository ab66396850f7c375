"""The console's pages: HTML that works before any script has run, and without one."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeAlias

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from tidegate.clock import Clock
from tidegate_ops.console.live_stream import MEDIA_TYPE, LiveStream

_TEMPLATES = Path(__file__).parent / "templates"
_NO_STORE = {"Cache-Control": "no-store", "Vary": "Accept"}
_LIVE = "live"
"""The block of a page that is sent again when it looks different."""

Reading: TypeAlias = Callable[[Request], Awaitable[Mapping[str, Any]]]


class Pages:
    """Renders templates; ``shared`` is what all of them know."""

    def __init__(self, clock: Clock, **shared: Any) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            moment=lambda value: _moment(value, clock()), iso=_iso, seconds=_seconds, number=_number, rate=_rate,
            json=_pretty, short=_short,
        )  # fmt: skip
        self._templates.globals.update(shared)
        self._templates.globals["ui"] = self._templates.get_template("ui.html").module

    def page(self, name: str, context: Mapping[str, Any], status: int = 200) -> Response:
        """A whole page."""
        return HTMLResponse(self._templates.get_template(name).render(context), status, _NO_STORE)

    def live(self, name: str, context: Mapping[str, Any]) -> str:
        """Only the part of a page that changes by itself."""
        template = self._templates.get_template(name)
        return "".join(template.blocks[_LIVE](template.new_context(dict(context))))

    def problem(self, request: Request, status: HTTPStatus, title: str, advice: str) -> Response:
        """Says what is wrong and what to do."""
        return self.page(
            "problem.html", {"path": request.url.path, "query": {}, "title": title, "advice": advice}, status
        )


class View:
    """A page to look at. Its address, asked for as a stream of events, answers its live part as it changes.

    What is read of it may say that it is ``final``: then it will not change.
    """

    def __init__(self, pages: Pages, template: str, read: Reading, *, every_seconds: float) -> None:
        self._pages = pages
        self._template = template
        self._read = read
        self._every_seconds = every_seconds

    async def answer(self, request: Request) -> Response:
        """The page, or its stream."""
        if MEDIA_TYPE in request.headers.get("accept", ""):
            return LiveStream(lambda: self._live(request), self._every_seconds)
        return self._pages.page(self._template, await self._context(request))

    async def _live(self, request: Request) -> tuple[str, bool]:
        context = await self._context(request)
        return self._pages.live(self._template, context), bool(context.get("final"))

    async def _context(self, request: Request) -> dict[str, Any]:
        return {"path": request.url.path, "query": request.query_params, **await self._read(request)}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _moment(moment: datetime, now: datetime) -> str:
    """The time of day in UTC, with the day where it is another one."""
    then = moment.astimezone(UTC)
    same = then.date() == now.astimezone(UTC).date()
    return f"{then:%H:%M:%S}" if same else f"{then.day} {then:%b %Y, %H:%M:%S}"


def _seconds(value: float) -> str:
    """A length of time in two units at most."""
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 59.95:
        return f"{value:.1f} s".replace(".0 ", " ")
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (rest, "s")]
    first = next(place for place, (count, _) in enumerate(units) if count)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2] if count)


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _rate(per_second: float) -> str:
    """So many a second, or a minute where they are few."""
    if per_second >= 9.95:
        return f"{per_second:,.0f}/s"
    if per_second >= 0.995:
        return f"{per_second:.1f}/s"
    return f"{per_second * 60:.0f}/min" if per_second >= 0.5 / 60 else "0"


def _pretty(text: str | bytes) -> str:
    """JSON with a field a line; other text as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text if isinstance(text, str) else text.decode(errors="replace")


def _short(name: str, most: int = 12) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
