"""What errors say about the service that they came out of."""

import asyncio
import http
import socket
import ssl

import httpx
import pytest
from google.api_core.exceptions import BadRequest, ServiceUnavailable

from tidegate.errors import DependencyCutOff, Reject, StepFailed
from tidegate.signs import Sign, described, sign_of

REQUEST = httpx.Request("POST", "https://partner.test")


def status(code: int) -> httpx.HTTPStatusError:
    return httpx.HTTPStatusError("answered", request=REQUEST, response=httpx.Response(code, request=REQUEST))


class StatusOfItsOwn(Exception):
    """As aiohttp and urllib have it."""

    def __init__(self, code: int) -> None:
        self.status = code


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        ConnectionResetError(),
        socket.gaierror(-2, "Name or service not known"),
        ssl.SSLError("bad certificate"),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("disconnected"),
        status(500),
        status(503),
        status(408),
        status(429),
        StatusOfItsOwn(http.HTTPStatus.BAD_GATEWAY),
        ServiceUnavailable("away"),
        ExceptionGroup("two", [ValueError("odd"), status(502)]),
    ],
    ids=described,
)
def test_failures(error: Exception) -> None:
    """No answer, or one by which the service says that it cannot cope."""
    assert sign_of(error) is Sign.FAILED


@pytest.mark.parametrize(
    "error",
    [Reject("no seats"), status(302), status(404), status(409), StatusOfItsOwn(422), BadRequest("what?")],
    ids=described,
)
def test_answers(error: Exception) -> None:
    """A service that refuses works."""
    assert sign_of(error) is Sign.ANSWERED


@pytest.mark.parametrize(
    "error",
    [
        ValueError("odd"),
        FileNotFoundError(2, "No such file", "rates.csv"),
        httpx.LocalProtocolError("our own fault"),
        StepFailed("too large"),
        DependencyCutOff("other", "is cut off"),
        asyncio.CancelledError(),
        StatusOfItsOwn(3),
        ExceptionGroup("two", [ValueError("odd"), status(404)]),
    ],
    ids=described,
)
def test_unclear_ones(error: BaseException) -> None:
    """Nothing in it tells whether the service works."""
    assert sign_of(error) is Sign.UNCLEAR


def test_descriptions_can_be_stored() -> None:
    """They are short, and whole characters only."""
    assert described(TimeoutError()) == "TimeoutError"
    assert len(described(ValueError("x" * 1000))) == 300
    described(ValueError("half \ud800")).encode()
