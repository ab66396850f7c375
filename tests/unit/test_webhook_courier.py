"""The courier: one resolution, connections to checked addresses only, and what answers mean."""

import socket
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpcore
import pytest

from tidegate import Reject
from tidegate_ops.project import Project

pytestmark = pytest.mark.anyio

PARTS = Project.find(Path(__file__).parent).load_handler("webhooks").call.__globals__
URL = "https://hooks.example.com:8443/callback?job=1"


class Names:
    """A name server that answers each question from its script, and the last for ever."""

    def __init__(self, *answers: list[str] | OSError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, OSError):
            raise answer
        return answer


class Stream(httpcore.AsyncMockStream):
    """A connection that keeps what is sent on it."""

    def __init__(self, network: "Network") -> None:
        super().__init__([f"HTTP/1.1 {network.status} Said\r\nContent-Length: 0\r\n\r\n".encode()])
        self.network = network

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.network.sent += buffer

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        self.network.named.append(server_hostname)
        return self


class Network(httpcore.AsyncNetworkBackend):
    """A network that notes what is connected to; everything answers but the ``dead`` addresses."""

    def __init__(self, status: int = 204, dead: Iterable[str] = ()) -> None:
        self.status = status
        self.dead = frozenset(dead)
        self.tried: list[tuple[str, int]] = []
        self.named: list[str | None] = []
        self.sent = b""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.tried.append((host, port))
        if host in self.dead:
            raise httpcore.ConnectError("refused")
        return Stream(self)


def courier(names: Names, network: Network) -> Any:
    return PARTS["Courier"](loopback=False, breakers=PARTS["Breakers"](), resolver=names, network=network)


async def deliver(each: Any, url: str = URL) -> Any:
    return await each.deliver(url, {"webhook-id": "w-1"}, b"{}")


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A name that means something else a moment later (DNS rebinding) changes nothing: it is asked for once."""
    names, network = Names(["8.8.8.8"], ["127.0.0.1"]), Network()
    outcome = await deliver(courier(names, network))
    assert (outcome.status, outcome.error) == (204, "")
    assert names.asked == [("hooks.example.com", 8443)]
    assert network.tried == [("8.8.8.8", 8443)]


async def test_every_attempt_is_checked_anew() -> None:
    """A name that was public at one attempt is refused at the next if it is not any more."""
    names, network = Names(["8.8.8.8"], ["169.254.169.254"]), Network(status=500)
    each = courier(names, network)
    assert not (await deliver(each)).final
    outcome = await deliver(each)
    assert (outcome.status, outcome.final, outcome.host) == (None, True, "hooks.example.com")
    assert "metadata" in outcome.error
    assert network.tried == [("8.8.8.8", 8443)]


async def test_one_address_inside_spoils_the_name() -> None:
    """Nothing is connected to, not even what would be allowed."""
    network = Network()
    outcome = await deliver(courier(Names(["8.8.8.8", "fd00:ec2::254"]), network))
    assert outcome.final
    assert network.tried == []


async def test_a_forbidden_url_resolves_nothing() -> None:
    """The question itself could tell something to a name server."""
    names, network = Names(["8.8.8.8"]), Network()
    outcome = await deliver(courier(names, network), "https://user:secret@hooks.example.com/")
    assert (outcome.final, outcome.host) == (True, "")
    assert "secret" not in outcome.error
    assert (names.asked, network.tried) == ([], [])


async def test_the_name_stays_the_name() -> None:
    """Certificate, Host header and path are those of the URL, whatever address is connected to."""
    network = Network()
    await deliver(courier(Names(["8.8.8.8"]), network))
    assert network.named == ["hooks.example.com"]
    head, _, body = network.sent.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[:2] == [b"POST /callback?job=1 HTTP/1.1", b"Host: hooks.example.com:8443"]
    assert body == b"{}"


async def test_an_ipv6_address_as_a_host() -> None:
    """Brackets in the Host header, none where it is connected to."""
    network = Network()
    await deliver(courier(Names(["2606:4700::1111"]), network), "https://[2606:4700::1111]/")
    assert network.tried == [("2606:4700::1111", 443)]
    assert b"\r\nHost: [2606:4700::1111]\r\n" in network.sent


async def test_the_next_address_is_tried() -> None:
    """Many names have an IPv6 address, and not every network can reach it."""
    network = Network(dead={"2606:4700::1111"})
    outcome = await deliver(courier(Names(["2606:4700::1111", "8.8.8.8"]), network))
    assert outcome.error == ""
    assert [address for address, _ in network.tried] == ["2606:4700::1111", "8.8.8.8"]


@pytest.mark.parametrize("names", [Names(["8.8.8.8"]), Names(socket.gaierror(-2, "unknown")), Names([])])
async def test_no_answer_is_a_retry(names: Names) -> None:
    """Networks recover, and so do name servers."""
    outcome = await deliver(courier(names, Network(dead={"8.8.8.8"})))
    assert (outcome.status, outcome.final) == (None, False)
    assert outcome.error.startswith("hooks.example.com gave no answer (")
    with pytest.raises(PARTS["Courier"].deliver.__globals__["Undelivered"]):
        outcome.conclude()


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_success_is_2xx(status: int) -> None:
    """Any of them."""
    outcome = await deliver(courier(Names(["8.8.8.8"]), Network(status)))
    assert (outcome.status, outcome.error) == (status, "")
    outcome.conclude()


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 408, 409, 422, 425, 429, 500, 502, 503, 504])
async def test_all_else_is_tried_again(status: int) -> None:
    """Redirects and refusals too: a receiver may be mended."""
    outcome = await deliver(courier(Names(["8.8.8.8"]), Network(status)))
    assert (outcome.status, outcome.final) == (status, False)
    assert f"hooks.example.com answered {status}" in outcome.error


async def test_gone_is_the_end() -> None:
    """The receiver itself says that it wants no more."""
    outcome = await deliver(courier(Names(["8.8.8.8"]), Network(410)))
    assert outcome.final
    with pytest.raises(Reject, match="the receiver wants no more"):
        outcome.conclude()


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_failing_host_is_left_alone(status: int) -> None:
    """After five failures nothing is sent; that is a retry as well, without a status."""
    network = Network(status)
    each = courier(Names(["8.8.8.8"]), network)
    for _ in range(5):
        await deliver(each)
    outcome = await deliver(each)
    assert (outcome.status, outcome.final, len(network.tried)) == (None, False, 5)
    assert "left alone" in outcome.error


@pytest.mark.parametrize("status", [302, 404, 410])
async def test_a_wrong_url_does_not_cut_off_its_host(status: int) -> None:
    """A host that answers works: others may have their receivers there."""
    network = Network(status)
    each = courier(Names(["8.8.8.8"]), network)
    for _ in range(6):
        assert (await deliver(each)).status == status
