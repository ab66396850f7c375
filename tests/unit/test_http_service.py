"""HTTP functions within their limits: how many requests at a time, how long, and what becomes of failures."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.unit.front_door import Door, client, service
from tidegate.errors import ConfigurationError
from tidegate.sites import Site
from tidegate_ops.embedded_server import EmbeddedServer

pytestmark = pytest.mark.anyio


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem details of an answer, which must say the status that it has."""
    assert answer.headers["content-type"] == "application/problem+json"
    details: dict[str, Any] = answer.json()
    assert details["status"] == answer.status_code
    return details


async def test_first_requests_that_come_together_share_one_application() -> None:
    """The builder is called once, and not before there is a request."""
    door = Door()
    service = door.service()
    assert door.built == 0
    async with client(service) as caller:
        answers = await asyncio.gather(caller.get("/echo/a"), caller.get("/echo/b"))
    assert [each.json()["parameters"] for each in answers] == [{"name": "a"}, {"name": "b"}]
    assert door.built == 1


async def test_a_full_instance_says_come_again() -> None:
    """One request more than its concurrency is answered at once, and not by the application."""
    door = Door()
    async with client(door.service(concurrency=1)) as caller:
        waiting = asyncio.create_task(caller.get("/wait"))
        await door.opened.wait()
        refused = await caller.get("/echo/a")
        door.open.set()
        assert (await waiting).text == "waited"
        assert (await caller.get("/echo/a")).status_code == 200
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert problem(refused) == {
        "type": "about:blank",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "1 requests are under way: come again in a moment",
    }


async def test_a_stream_counts_until_its_client_leaves() -> None:
    """A streamed response takes a place for as long as it lasts; a client that disconnects gives it back."""
    door = Door()
    server = EmbeddedServer(door.service(concurrency=1))
    async with httpx.AsyncClient(base_url=server.url) as caller:
        async with caller.stream("GET", "/stream") as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "data: first"
            assert (await caller.get("/echo/a")).status_code == 503
        await door.left.wait()
        assert (await caller.get("/echo/a")).status_code == 200
    await server.close()


async def test_a_stream_that_ends_gives_its_place_back() -> None:
    """The last line of a stream is the end of its request."""
    door = Door()
    door.open.set()
    async with client(door.service(concurrency=1)) as caller:
        assert (await caller.get("/stream")).text == "data: first\n\ndata: last\n\n"
        assert (await caller.get("/echo/a")).status_code == 200


async def test_no_answer_in_time(leap: Callable[[float], None]) -> None:
    """A request ends with its timeout, and frees its place."""
    door = Door()
    async with client(door.service(concurrency=1, timeout_seconds=60)) as caller:
        waiting = asyncio.create_task(caller.get("/wait"))
        await door.opened.wait()
        leap(60)
        late = await waiting
        assert late.status_code == 504
        assert problem(late)["detail"] == "no answer within 60 s"
        assert (await caller.get("/echo/a")).status_code == 200


async def test_a_stream_that_takes_too_long_is_cut(leap: Callable[[float], None]) -> None:
    """Its connection closes without the response's end, so that nobody takes it for complete."""
    door = Door()
    server = EmbeddedServer(door.service(timeout_seconds=60))
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=120) as caller,
        caller.stream("GET", "/stream") as stream,
    ):
        lines = stream.aiter_lines()
        assert await anext(lines) == "data: first"
        leap(60)
        with pytest.raises(httpx.RemoteProtocolError):
            assert [each async for each in lines] == []
    await server.close()


async def test_a_failure_is_logged_once_and_ends_one_request_alone(caplog: pytest.LogCaptureFixture) -> None:
    """Starlette answers with 500; the traceback is in the log, and the next request is answered."""
    async with client(Door().service()) as caller:
        assert (await caller.get("/fail")).status_code == 500
        assert (await caller.get("/echo/a")).status_code == 200
    [record] = [each for each in caplog.records if each.name == "tidegate.http_service"]
    assert record.getMessage() == "door failed: GET /fail"
    assert "the door is stuck" in caplog.text


async def test_an_application_that_cannot_be_built_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """Each request says that it failed, without saying more to strangers than that, until the builder succeeds."""
    failures = [ConfigurationError("no KEY in the environment"), None]

    def build(site: Site) -> ASGIApp:
        if failure := failures.pop(0):
            raise failure
        return PlainTextResponse("built")

    async with client(service(build)) as caller:
        failed = await caller.get("/")
        assert failed.status_code == 500
        assert problem(failed)["detail"] == "an error of our own; it has been logged"
        assert (await caller.get("/")).text == "built"
    assert "no KEY in the environment" in caplog.text


async def test_the_application_sees_no_trace_of_other_routing() -> None:
    """What a router in front of it found out is not taken for the application's own."""
    seen: list[Scope] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)
        await PlainTextResponse("")(scope, receive, send)

    served = service(lambda site: application)

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        await served({**scope, "path_params": {"path": "x"}, "router": object(), "app": object()}, receive, send)

    async with client(routed) as caller:
        await caller.get("/x?y=1")
    [scope] = seen
    assert not scope.keys() & {"path_params", "router", "app"}
    assert (scope["path"], scope["query_string"]) == ("/x", b"y=1")


def test_another_functions_configuration_is_refused() -> None:
    """A bundle that was put together wrongly does not even start."""
    with pytest.raises(ConfigurationError, match="the configuration is for window, the HTTP function is door"):
        Door().service(function="window")
