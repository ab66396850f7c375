"""An event's page: all that its trace caused, and what was logged on the way."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tidegate.errors import ConfigurationError
from tidegate_ops.console.desk import Desk
from tidegate_ops.insight.event_story import Chapter, Story, tell
from tidegate_ops.insight.lines import Line, LinesUnknown, Query
from tidegate_ops.job_archive import JobArchive

_MOST_LINES = 300
_MOST_CHAPTERS = 300


@dataclass(frozen=True, slots=True)
class ChapterRow:
    """A chapter in its place of the story."""

    depth: int
    chapter: Chapter


class EventPage:
    """Shows an event, and finds what an id names."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._jobs = JobArchive(desk.firestore)

    async def read(self, request: Request) -> Mapping[str, Any]:
        """The story of the event's trace as far as it has been told, and the lines that belong to the event."""
        event_id: str = request.path_params["event"]
        whole = request.query_params.get("lines") == "trace"
        story, silent = await self._story(event_id)
        rows = list(_rows(story))
        lines = await self._lines(event_id, story, whole=whole) if not silent else []
        return {
            "event_id": event_id,
            "story": story,
            "rows": rows[:_MOST_CHAPTERS],
            "left_out": max(0, len(rows) - _MOST_CHAPTERS),
            "lines": lines,
            "cut": len(lines) == _MOST_LINES,
            "whole": whole,
            "silent": silent,
            "job": next((each.job for row in rows for each in row.chapter.deliveries if each.job), ""),
        }

    async def find(self, request: Request) -> Response:
        """Lead to the job, the dead letter or the event of an id."""
        name = request.query_params.get("id", "").strip()
        if not name:
            return RedirectResponse("/", HTTPStatus.SEE_OTHER)
        if await self._jobs.job(name) is not None:
            return RedirectResponse(f"/jobs/{quote(name, safe='')}", HTTPStatus.SEE_OTHER)
        if name.partition(".")[0] in self._desk.topology.functions:
            return RedirectResponse(f"/dead/{quote(name, safe='')}", HTTPStatus.SEE_OTHER)
        return RedirectResponse(f"/events/{quote(name)}", HTTPStatus.SEE_OTHER)

    async def _story(self, event_id: str) -> tuple[Story | None, str]:
        """The story; None as long as there is no line of it. Or why nobody can tell."""
        try:
            return await tell(self._desk.lines, event_id), ""
        except ConfigurationError:
            return None, ""
        except LinesUnknown as error:
            return None, str(error)

    async def _lines(self, event_id: str, story: Story | None, *, whole: bool) -> list[Line]:
        """What was logged of the event, or with ``whole`` of all that its trace caused."""
        if story and whole:
            return list(await self._desk.lines.recent(Query(trace_id=story.trace_id, limit=_MOST_LINES)))
        return list(await self._desk.lines.recent(Query(event_id=event_id, limit=_MOST_LINES)))


def _rows(story: Story | None) -> Iterator[ChapterRow]:
    """Each chapter before those that it caused."""
    depths: dict[int, int] = {}
    for parent, chapter in story.walk() if story else ():
        depths[id(chapter)] = depths[id(parent)] + 1 if parent else 0
        yield ChapterRow(depths[id(chapter)], chapter)
