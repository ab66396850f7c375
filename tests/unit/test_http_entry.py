"""The entry point of an HTTP function: from a main.py beside its configuration to the application's answer."""

from collections.abc import Iterator
from pathlib import Path

import functions_framework.aio
import httpx
import pytest
from functions_framework import _function_registry
from pytest_mock import MockerFixture
from starlette.types import ASGIApp

from tests.unit.front_door import client, config
from tidegate.errors import ConfigurationError
from tidegate.testing import World
from tidegate_ops.embedded_server import EmbeddedServer

pytestmark = pytest.mark.anyio

MAIN = """\
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from tidegate import http_function
from tidegate.sites import Site


@http_function
def door(site: Site) -> ASGIApp:
    async def echo(request: Request) -> JSONResponse:
        body = await request.body()
        return JSONResponse({"method": request.method, "parameters": request.path_params, "body": body.decode()})

    async def home(request: Request) -> JSONResponse:
        return JSONResponse({"accepts": site.config.accepts, "project": site.settings.project})

    async def upload(request: Request) -> StreamingResponse:
        chunks = [chunk async for chunk in request.stream()]
        return StreamingResponse(iter(chunks))

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return Starlette(
        routes=[
            Route("/", home),
            Route("/echo/{name}", echo, methods=methods),
            Route("/upload", upload, methods=["POST"]),
        ]
    )
"""


class Deployment:
    """A folder as it is deployed: main.py, and the configuration beside it."""

    def __init__(self, folder: Path) -> None:
        self.main = folder / "main.py"
        self.config = folder / "tidegate.json"

    def write(self, main: str = MAIN) -> None:
        self.main.write_text(main, encoding="utf-8")
        self.config.write_text(config(accepts=["order.placed"]).model_dump_json(), encoding="utf-8")

    def application(self) -> ASGIApp:
        """The function, loaded as the framework's server loads it."""
        app: ASGIApp = functions_framework.aio.create_asgi_app(target="door", source=str(self.main))
        return app


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mocker: MockerFixture) -> Iterator[Deployment]:
    """A deployed HTTP function, in an environment that names a project."""
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    for name in ("TIDEGATE_CONFIG", "FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST", "TIDEGATE_TASKS_QUEUE"):
        monkeypatch.delenv(name, raising=False)
    mocker.patch("tidegate.http_entry.google_ports", return_value=World().ports)
    mocker.patch("tidegate.logs.configure")
    registered = dict(_function_registry.REGISTRY_MAP)
    deployment = Deployment(tmp_path)
    deployment.write()
    yield deployment
    _function_registry.REGISTRY_MAP.clear()
    _function_registry.REGISTRY_MAP.update(registered)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_and_path_is_the_applications(deployment: Deployment, method: str) -> None:
    """Routing is the application's own, and nobody has read the body before it."""
    async with client(deployment.application()) as caller:
        answer = await caller.request(method, "/echo/anna", content=b"hello")
    assert answer.json() == {"method": method, "parameters": {"name": "anna"}, "body": "hello"}


async def test_the_application_knows_its_surroundings(deployment: Deployment) -> None:
    """The site holds the function's slice of the topology and the environment; even ``GET /`` is the application's."""
    async with client(deployment.application()) as caller:
        assert (await caller.get("/")).json() == {"accepts": ["order.placed"], "project": "p"}


async def test_what_the_application_does_not_know_is_not_found(deployment: Deployment) -> None:
    """The application's own 404 and 405 reach the client."""
    async with client(deployment.application()) as caller:
        assert (await caller.get("/nowhere")).status_code == 404
        assert (await caller.put("/upload")).status_code == 405


async def test_bodies_and_responses_stream(deployment: Deployment) -> None:
    """Through the framework and a real server, a large body comes back as it was sent."""
    server = EmbeddedServer(deployment.application())
    body = b"tide" * 500_000
    async with httpx.AsyncClient(base_url=server.url) as caller:
        assert (await caller.post("/upload", content=body)).content == body
    await server.close()


async def test_readiness_needs_a_project(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """An instance is ready when it could answer: its application is built, and what it works with is there."""
    async with client(deployment.application()) as caller:
        answer = await caller.get("/_ready")
    assert (answer.status_code, answer.json()) == (200, {"function": "door", "ready": True})
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    async with client(deployment.application()) as caller:
        assert (await caller.get("/_ready")).status_code == 500


async def test_without_configuration_nothing_is_answered(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    """A module may be imported without its configuration, but no request is handled."""
    deployment.config.unlink()
    async with client(deployment.application()) as caller:
        assert (await caller.get("/_ready")).json() == {"function": "door", "ready": False}
        assert (await caller.get("/")).status_code == 500
    assert "put tidegate.json beside main.py" in caplog.text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"function": "door", "topic": "order.placed"}', "topic"),
        ("{", r"tidegate\.json: 1 validation error"),
        (config(function="window").model_dump_json(), "the configuration is for window, the HTTP function is door"),
    ],
)
def test_a_wrong_configuration_fails_at_import(deployment: Deployment, content: str, said: str) -> None:
    """Unknown options, another kind of function and another function stop the instance before its first request."""
    deployment.config.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        deployment.application()


def test_a_wrong_signature_fails_at_import(deployment: Deployment) -> None:
    """It is refused with what to write."""
    deployment.write(MAIN.replace("(site: Site)", "(site)"))
    with pytest.raises(TypeError, match=r"write `def door\(site: Site\) -> ASGIApp`"):
        deployment.application()
