"""The console as an ASGI application."""

from collections.abc import Collection
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from tidegate.adapters.google_failures import google_failures
from tidegate.errors import ConfigurationError, TidegateError
from tidegate_ops.console.desk import Desk
from tidegate_ops.console.drains import Drains
from tidegate_ops.console.event_page import EventPage
from tidegate_ops.console.function_page import FunctionPage
from tidegate_ops.console.guard import Password, SameOrigin, SecurityHeaders
from tidegate_ops.console.jobs_page import JobsPage
from tidegate_ops.console.letter_page import LetterPage
from tidegate_ops.console.letters_page import LettersPage
from tidegate_ops.console.numbers import number_routes
from tidegate_ops.console.overview_page import OverviewPage
from tidegate_ops.console.pages import Pages, Reading, View
from tidegate_ops.console.stack_metrics import StackMetrics
from tidegate_ops.console.topic_page import TopicPage
from tidegate_ops.insight.breakers import phases

LOOPBACK = ("127.0.0.1", "localhost")
"""The names by which this machine calls itself. A page of elsewhere that has its own resolve to it gets no answer."""

_STATIC = Path(__file__).parent / "static"


def application(
    desk: Desk, *, metrics: StackMetrics | None = None, hosts: Collection[str] = LOOPBACK, password: str = ""
) -> Starlette:
    """Shows ``desk`` to those who call it by one of ``hosts``, and know the password where there is one.

    ``metrics`` are those of a stack that runs in this process. Whoever ends the console closes ``state.drains``.
    """
    pages = Pages(desk.clock, application=desk.topology.application, place=desk.place)
    drains = Drains(desk.pausing)
    topics, jobs, functions = TopicPage(desk, pages), JobsPage(desk), FunctionPage(desk, drains)
    letters, letter, events = LettersPage(desk, pages), LetterPage(desk, pages), EventPage(desk)

    def view(template: str, read: Reading) -> View:
        return View(pages, template, read, every_seconds=desk.every_seconds)

    routes: list[BaseRoute] = [
        Route("/", view("overview.html", OverviewPage(desk, drains).read).answer),
        Route("/topics/{topic}", view("topic.html", topics.read).answer, methods=["GET"]),
        Route("/topics/{topic}", topics.publish, methods=["POST"]),
        Route("/functions/{function}", view("function.html", functions.read).answer, methods=["GET"]),
        Route("/functions/{function}", functions.act, methods=["POST"]),
        Route("/jobs", view("jobs.html", jobs.read).answer),
        Route("/jobs/{job}", view("job.html", jobs.read_one).answer, methods=["GET"]),
        Route("/jobs/{job}", jobs.cancel, methods=["POST"]),
        Route("/dead", view("letters.html", letters.read).answer, methods=["GET"]),
        Route("/dead", letters.settle, methods=["POST"]),
        Route("/dead/{letter:path}", view("letter.html", letter.read).answer, methods=["GET"]),
        Route("/dead/{letter:path}", letter.settle, methods=["POST"]),
        Route("/events/{event:path}", view("event.html", events.read).answer),
        Route("/find", events.find),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]
    if metrics:
        routes += number_routes(metrics, lambda: phases(desk.topology, desk.circuits))
    problems = _Problems(pages)
    guards = [Middleware(SecurityHeaders), Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))]
    if password:
        guards.append(Middleware(Password, password=password))
    guards.append(Middleware(SameOrigin))
    console = Starlette(
        routes=routes,
        middleware=guards,
        exception_handlers={
            ConfigurationError: problems.unknown,
            TidegateError: problems.unavailable,
            HTTPException: problems.refused,
            **dict.fromkeys(google_failures(), problems.unavailable),
        },
    )
    console.state.drains = drains
    return console


class _Problems:
    """Pages in place of those that cannot be shown."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def unknown(self, request: Request, error: Exception) -> Response:
        return self._pages.problem(request, HTTPStatus.NOT_FOUND, "There is no such thing", str(error))

    async def unavailable(self, request: Request, error: Exception) -> Response:
        advice = (
            f"{error}. If it is the application that does not answer, see whether it still runs, and load the page "
            "again; what you sent may not have been done."
        )
        return self._pages.problem(request, HTTPStatus.SERVICE_UNAVAILABLE, "Not to be had just now", advice)

    async def refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        return self._pages.problem(request, status, status.phrase, status.description or "Nothing was done.")
