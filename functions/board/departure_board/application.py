"""What the board answers to: its page, the stream of its changes, its assets."""

import re
from collections.abc import Mapping
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from departure_board.assets import Assets
from departure_board.board_key import BoardKey, NoSuchBoard, read_airport, read_day
from departure_board.boards import Boards
from departure_board.departures import Departures
from departure_board.event_stream import EventStream
from departure_board.pace import Pace
from departure_board.page import Pages
from departure_board.security_headers import SecurityHeaders
from tidegate.errors import StoreUnavailable
from tidegate.sites import Site

_DEFAULT_AIRPORT = "EWR"
_RETRY_SECONDS = 5
_STREAMED = 0.9  # of the time that a request has: a stream ends by itself before it is cut off
_LOST_BEATS = 2.5
_VERSION = re.compile(r"[0-9]{1,18}")
_NO_STORE = {"Cache-Control": "no-store"}


def application(site: Site, pace: Pace | None = None) -> Starlette:
    """The board of the departures in the site's Firestore."""
    answers = _Answers(site, pace or Pace())
    return Starlette(
        routes=[
            Route("/", answers.page),
            Route("/events", answers.events),
            Route("/assets/{name}", answers.asset),
        ],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={
            NoSuchBoard: answers.no_such_board,
            StoreUnavailable: answers.unavailable,
            HTTPException: answers.refused,
        },
    )


class _Answers:
    """One method for each kind of answer."""

    def __init__(self, site: Site, pace: Pace) -> None:
        self._pace = pace
        self._stream_seconds = site.config.timeout_seconds * _STREAMED
        self._departures = Departures(site.ports.firestore())
        self._boards = Boards(self._departures, pace)
        self._assets = Assets()
        self._pages = Pages(self._assets)

    async def page(self, request: Request) -> Response:
        """A board, by default of the newest day that has departures."""
        airport = read_airport(request.query_params.get("airport", _DEFAULT_AIRPORT))
        asked = request.query_params.get("day")
        day = read_day(asked) if asked else await self._departures.newest_day()
        if day is None:
            return HTMLResponse(self._pages.empty(_root(request)), headers=_NO_STORE)
        board = self._boards.board(BoardKey(airport, day))
        await board.refresh()
        silence_seconds = self._pace.heartbeat_seconds * _LOST_BEATS
        return HTMLResponse(self._pages.board(_root(request), board, silence_seconds), headers=_NO_STORE)

    async def events(self, request: Request) -> Response:
        """A board's changes since the version that the viewer has; without one, all of the board first."""
        query = request.query_params
        key = BoardKey(read_airport(query.get("airport", "")), read_day(query.get("day", "")))
        if request.method == "HEAD":
            return Response(media_type=EventStream.media_type, headers=_NO_STORE)
        # The header is the newer of the two: a browser sends it when it connects again.
        version = _version(request.headers.get("Last-Event-ID") or query.get("since", ""))
        return EventStream(self._boards.board(key), version, self._pace, self._stream_seconds)

    async def asset(self, request: Request) -> Response:
        """A file that the page needs."""
        try:
            return self._assets.answer(request.path_params["name"], request)
        except KeyError:
            raise HTTPException(HTTPStatus.NOT_FOUND) from None

    async def no_such_board(self, request: Request, error: Exception) -> Response:
        return self._problem(request, HTTPStatus.NOT_FOUND, "No such board", str(error))

    async def unavailable(self, request: Request, error: Exception) -> Response:
        return self._problem(
            request,
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The board cannot be read just now",
            f"Its data did not answer. Try again in {_RETRY_SECONDS} seconds.",
            {"Retry-After": str(_RETRY_SECONDS)},
        )

    async def refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        return self._problem(request, status, status.phrase, "The board is at the address below.", error.headers)

    def _problem(
        self, request: Request, status: HTTPStatus, title: str, advice: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        return HTMLResponse(
            self._pages.problem(_root(request), title, advice), status, {**_NO_STORE, **(headers or {})}
        )


def _root(request: Request) -> str:
    return f"{request.scope.get('root_path', '')}/"


def _version(text: str) -> int:
    """What a viewer has; 0, which is nothing, if it says so in no way that is known."""
    return int(text) if _VERSION.fullmatch(text) else 0
