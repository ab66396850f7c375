"""The application in this process, as other threads use it: over HTTP, too."""

import httpx
import pytest

from tidegate_ops.embedded_application import EmbeddedApplication
from tidegate_ops.embedded_stack import EmbeddedStack
from tidegate_ops.project import Project


def test_http_functions_are_open_while_the_stack_runs(http_project: Project) -> None:
    """Each on a port of its own, and on none any more afterwards."""
    with EmbeddedStack(http_project) as stack:
        assert list(stack.urls) == ["front_desk"]
        url = stack.urls["front_desk"]
        answer = httpx.get(f"{url}hello/anna")
        assert (answer.status_code, answer.json()) == (200, {"greeting": "ahoy", "name": "anna"})
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_a_stream_does_not_hold_up_the_end(http_project: Project) -> None:
    """A page that still listens loses its connection when the stack ends."""
    main = http_project.functions_dir / "front_desk" / "main.py"
    main.write_text(STREAMING, encoding="utf-8")
    with httpx.Client() as caller:
        with EmbeddedStack(http_project) as stack:
            stream = caller.stream("GET", stack.urls["front_desk"])
            lines = stream.__enter__().iter_lines()
            assert next(lines) == "data: first"
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)


@pytest.mark.anyio
async def test_an_http_function_knows_that_it_is_not_in_the_cloud(http_project: Project) -> None:
    """Nobody checks callers here, as with the emulators; its ports are those of the functions."""
    main = http_project.functions_dir / "front_desk" / "main.py"
    main.write_text(TELLING, encoding="utf-8")
    application = EmbeddedApplication(
        http_project.topology(),
        {},
        {"front_desk": http_project.load_http_handler("front_desk")},
        environment={"KEY": "k"},
        on_report=lambda report: None,
        on_message=lambda topic, message: None,
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application.http["front_desk"])) as caller:
        told = (await caller.get("http://front/")).json()
    assert told == {"local": True, "key": "k", "publisher": type(application.broker).__name__}


STREAMING = """\
import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp
from tidegate import http_function
from tidegate.sites import Site


async def lines() -> AsyncIterator[str]:
    yield "data: first\\n\\n"
    await asyncio.Event().wait()


async def stream(request: Request) -> StreamingResponse:
    return StreamingResponse(lines(), media_type="text/event-stream")


@http_function
def front_desk(site: Site) -> ASGIApp:
    return Router([Route("/", stream)])
"""
TELLING = """\
from starlette.responses import JSONResponse
from starlette.types import ASGIApp
from tidegate import http_function
from tidegate.sites import Site


@http_function
def front_desk(site: Site) -> ASGIApp:
    return JSONResponse(
        {
            "local": bool(site.settings.firestore_emulator_host),
            "key": site.settings.environment["KEY"],
            "publisher": type(site.ports.publisher).__name__,
        }
    )
"""
