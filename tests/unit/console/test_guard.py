"""Who may do what: addresses, origins, passwords."""

import base64

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tidegate.errors import ConfigurationError
from tidegate_ops.cli.web_console import _hosts
from tidegate_ops.console.guard import OPERATOR, Password, SameOrigin

pytestmark = pytest.mark.anyio
PASSWORD = "correct horse battery"


async def answer(request: Request) -> Response:
    return PlainTextResponse(request.scope.get(OPERATOR, "nobody"))


def caller(*guards: Middleware) -> httpx.AsyncClient:
    site = Starlette(routes=[Route("/", answer, methods=["GET", "POST"])], middleware=list(guards))
    return httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://127.0.0.1:80")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1"}, 403),
        ({"origin": "http://127.0.0.1"}, 200),
        ({"origin": "http://127.0.0.1:8080"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({}, 403),
    ],
)
async def test_only_its_own_pages_change_anything(headers: dict[str, str], status: int) -> None:
    """Another site's form is refused, and who does not say where it comes from; reading is free."""
    async with caller(Middleware(SameOrigin)) as http:
        assert (await http.post("/", headers=headers)).status_code == status
        assert (await http.get("/", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("credentials", "status", "said"),
    [
        (f"ada:{PASSWORD}", 200, "ada"),
        (f":{PASSWORD}", 401, ""),
        ("ada:wrong", 401, ""),
        ("ada", 401, ""),
        ("", 401, ""),
    ],
)
async def test_a_password_is_asked_for(credentials: str, status: int, said: str) -> None:
    """The name beside it is that of the operator."""
    headers = {"authorization": "Basic " + base64.b64encode(credentials.encode()).decode()} if credentials else {}
    async with caller(Middleware(Password, password=PASSWORD)) as http:
        found = await http.get("/", headers=headers)
    assert found.status_code == status
    assert said in found.text
    assert ("www-authenticate" in found.headers) == (status == 401)


@pytest.mark.parametrize("text", ["Bearer x", "Basic ä", "Basic !!!", "Basic /w=="])
async def test_other_credentials_are_none(text: str) -> None:
    """Whatever they are."""
    async with caller(Middleware(Password, password=PASSWORD)) as http:
        assert (await http.get("/", headers={"authorization": text.encode()})).status_code == 401


def test_strangers_are_kept_out_without_a_password() -> None:
    """The loopback needs none; any other address does, and a name by which it can be called."""
    assert _hosts("127.0.0.1", [], "") == ["127.0.0.1", "localhost"]
    assert _hosts("localhost", ["desk"], "") == ["127.0.0.1", "localhost", "desk"]
    assert _hosts("10.0.0.7", [], PASSWORD) == ["127.0.0.1", "localhost", "10.0.0.7"]
    for host, password, said in [
        ("10.0.0.7", "", "set TIDEGATE_CONSOLE_PASSWORD"),
        ("0.0.0.0", "", "set TIDEGATE_CONSOLE_PASSWORD"),  # noqa: S104 - refused
        ("desk.example.com", "", "set TIDEGATE_CONSOLE_PASSWORD"),
        ("0.0.0.0", PASSWORD, "--name"),  # noqa: S104 - refused
        ("10.0.0.7", "short", "too short"),
    ]:
        with pytest.raises(ConfigurationError, match=said):
            _hosts(host, [], password)
