"""The entry point: from a main.py beside its configuration to an answered request."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import functions_framework.aio
import httpx
import pytest
from functions_framework import _function_registry
from functions_framework._http.gunicorn import UvicornApplication
from pytest_mock import MockerFixture

from tests.orders import OrderPacked, OrderPlaced, order
from tidegate.errors import ConfigurationError
from tidegate.handlers import Handler
from tidegate.testing import World
from tidegate.testing.world import config_of

pytestmark = pytest.mark.anyio

MAIN = """\
from tests.orders import OrderPacked, OrderPlaced
from tidegate import Context, function


@function
async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
    return OrderPacked(order_id=placed.order_id)


@function(pure=True)
def weigh(placed: OrderPlaced, ctx: Context) -> None:
    \"\"\"The other form of the decorator.\"\"\"
"""
ONE = MAIN.partition("\n\n\n@function(pure=True)")[0]


class Deployment:
    """A folder as it is deployed: main.py, and the configuration beside it."""

    def __init__(self, folder: Path) -> None:
        self.main = folder / "main.py"
        self.config = folder / "tidegate.json"

    def write(self, main: str = ONE, **options: Any) -> None:
        self.main.write_text(main, encoding="utf-8")
        self.config.write_text(json.dumps(CONFIG | options), encoding="utf-8")

    def client(self, target: str = "pack") -> httpx.AsyncClient:
        """A client of the function, loaded as the framework's server loads it."""
        app = functions_framework.aio.create_asgi_app(target=target, source=str(self.main))
        return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://function")


CONFIG = config_of(Handler("pack", print, OrderPlaced, (OrderPacked,), pure=False)).model_dump(mode="json")


@pytest.fixture
def world(mocker: MockerFixture) -> World:
    """The world that the function reaches instead of Google Cloud."""
    world = World()
    mocker.patch("tidegate.entry.google_ports", return_value=world.ports)
    mocker.patch("tidegate.logs.configure")
    return world


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A deployed function, in an environment that names a project."""
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "p")
    monkeypatch.delenv("TIDEGATE_CONFIG", raising=False)
    for name in ("FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    registered = dict(_function_registry.REGISTRY_MAP)
    deployment = Deployment(tmp_path)
    deployment.write()
    yield deployment
    _function_registry.REGISTRY_MAP.clear()
    _function_registry.REGISTRY_MAP.update(registered)


def push(data: bytes = b'{"order_id":"o-7"}') -> dict[str, Any]:
    """The body of a Pub/Sub push."""
    message = {
        "data": base64.b64encode(data).decode(),
        "attributes": dict(order().message.attributes),
        "messageId": "m-1",
    }
    return {"message": message, "subscription": "projects/p/subscriptions/pack"}


async def test_a_push_is_handled(deployment: Deployment, world: World) -> None:
    """A real request through the framework ends in a published event and a 200, a second one in a duplicate."""
    async with deployment.client() as client:
        first, second = [await client.post("/", json=push()) for _ in range(2)]
    assert (first.status_code, first.json()) == (200, {"verdict": "done", "event_id": "event-1", "reason": ""})
    assert (second.status_code, second.json()["verdict"]) == (200, "duplicate")
    assert {each.data for each in world.publisher.published} == {b'{"order_id":"o-7","parcel":0}'}


async def test_no_worker_is_ended_for_its_idleness(
    deployment: Deployment, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cloud Run takes the processor away between requests, so that gunicorn would miss the worker's signs of life."""
    monkeypatch.setenv("CLOUD_RUN_TIMEOUT_SECONDS", "35")
    async with deployment.client():
        assert UvicornApplication(None, "127.0.0.1", 0, False).cfg.timeout == 0


async def test_a_retry_is_no_ack(deployment: Deployment, world: World) -> None:
    """While the broker is away Pub/Sub is told to come again."""
    world.publisher.fail()
    async with deployment.client() as client:
        assert (await client.post("/", json=push())).status_code == 503


async def test_headers_reach_the_runtime(deployment: Deployment, world: World) -> None:
    """A CloudEvent in binary form has its attributes in headers, in whatever case."""
    headers = {name.upper(): value for name, value in order().message.attributes.items()}
    async with deployment.client() as client:
        answer = await client.post("/", content=order().message.data, headers=headers)
    assert answer.json() == {"verdict": "done", "event_id": "event-1", "reason": ""}


async def test_health(deployment: Deployment, world: World) -> None:
    """A GET says which function this is and touches nothing."""
    async with deployment.client() as client:
        answer = await client.get("/")
    assert (answer.status_code, answer.json()) == (200, {"function": "pack", "ready": True})
    assert world.ledger.reads == world.ledger.writes == 0


async def test_the_framework_knows_the_function(deployment: Deployment, world: World) -> None:
    """It is an HTTP function without any flag, and its handler is at hand for the tools."""
    deployment.write(MAIN)
    deployment.config.unlink()
    async with deployment.client("weigh") as client:
        assert (await client.get("/")).json() == {"function": "weigh", "ready": False}
    assert _function_registry.get_func_signature_type("weigh", None) == "http"


async def test_without_configuration_nothing_is_acked(
    deployment: Deployment, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A module may be imported without its configuration, but no request is handled."""
    deployment.config.unlink()
    async with deployment.client() as client:
        assert (await client.post("/", json=push())).status_code == 500
    assert "put tidegate.json beside main.py" in caplog.text


async def test_the_environment_may_name_the_configuration(
    deployment: Deployment, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path in the environment goes before the file beside main.py."""
    elsewhere = deployment.config.rename(tmp_path / "elsewhere.json")
    monkeypatch.setenv("TIDEGATE_CONFIG", str(elsewhere))
    async with deployment.client() as client:
        assert (await client.get("/")).json()["ready"]


def test_a_named_configuration_must_be_there(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path that leads nowhere shows at import, not at the first request."""
    monkeypatch.setenv("TIDEGATE_CONFIG", "/no/such/file.json")
    with pytest.raises(ConfigurationError, match=r"/no/such/file\.json, named in TIDEGATE_CONFIG, cannot be read"):
        deployment.client()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retries": 3}, "retries"),
        ({"timeout_seconds": "long"}, "timeout_seconds"),
        ({"function": "ship"}, "the configuration is for ship, the handler is pack"),
        ({"topic": "order.shipped"}, "reads order.placed, but its subscription is on order.shipped"),
        ({"emits": []}, "returns order.packed, missing under its emits"),
    ],
)
def test_a_wrong_configuration_fails_at_import(deployment: Deployment, options: dict[str, Any], said: str) -> None:
    """Unknown options and another function's configuration stop the instance before it takes a message."""
    deployment.write(**options)
    with pytest.raises(ConfigurationError) as told:
        deployment.client()
    assert said in str(told.value)


def test_a_broken_configuration_fails_at_import(deployment: Deployment) -> None:
    """A file that is no JSON is named."""
    deployment.config.write_text("{", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"tidegate\.json: 1 validation error"):
        deployment.client()


@pytest.mark.parametrize(
    ("decorator", "error", "said"),
    [
        ("@function(retries=3)", TypeError, "retries"),
        ("@function(True)", TypeError, "plain functions"),
    ],
)
def test_wrong_options_fail_at_import(
    deployment: Deployment, decorator: str, error: type[Exception], said: str
) -> None:
    """An option that does not exist is a mistake of today, not of the first message."""
    deployment.write(ONE.replace("@function", decorator))
    with pytest.raises(error, match=said):
        deployment.client()


def test_a_wrong_handler_fails_at_import(deployment: Deployment) -> None:
    """A signature that says nothing is refused with what to write."""
    deployment.write(ONE.replace("placed: OrderPlaced, ctx: Context", "placed, ctx"))
    with pytest.raises(TypeError, match="write `def pack"):
        deployment.client()


async def test_a_wrong_environment_acks_nothing(
    deployment: Deployment, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a project no request is handled, and each one says so."""
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT")
    async with deployment.client() as client:
        answers = [await client.post("/", json=push()) for _ in range(2)]
    assert [each.status_code for each in answers] == [500, 500]
    assert caplog.text.count("ConfigurationError: GOOGLE_CLOUD_PROJECT is not set") == 2
