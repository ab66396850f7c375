"""Delivery to real servers: what they see, and what they cannot do to the sender."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpcore
import pytest

from tests.unit.webhook_receiver import Authority, Receiver, say
from tidegate_ops.project import Project

pytestmark = pytest.mark.anyio

PARTS = Project.find(Path(__file__).parent).load_handler("webhooks").call.__globals__
NAME = "hooks.example.com"


def courier(**options: Any) -> Any:
    return PARTS["Courier"](loopback=True, breakers=PARTS["Breakers"](), **options)


async def deliver(url: str, **options: Any) -> Any:
    return await courier(**options).deliver(url, {"webhook-id": "w-1"}, b'{"a":1}')


async def this_machine(host: str, port: int) -> Sequence[str]:
    """Resolves every name."""
    return ["127.0.0.1"]


class Impatience(httpcore.AnyIOBackend):
    """A network on which a minute passes as soon as somebody has read all of ``said`` and waits for more."""

    def __init__(self, said: bytes, leap: Callable[[float], None]) -> None:
        self._said = said
        self._leap = leap

    async def connect_tcp(self, *args: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        stream = await super().connect_tcp(*args, **options)
        read, heard = stream.read, b""

        async def impatiently(*args: Any, **options: Any) -> bytes:
            nonlocal heard
            if heard == self._said:
                self._leap(60)
            data = await read(*args, **options)
            heard += data
            return data

        stream.read = impatiently  # type: ignore[method-assign]
        return stream


async def test_a_receiver_gets_the_webhook() -> None:
    """Over http here, since it is on this machine; found by the system's own resolver."""
    async with Receiver() as receiver:
        outcome = await deliver(receiver.url)
    assert (outcome.status, outcome.error) == (204, "")
    [request] = receiver.requests
    assert request.line == "POST /callback?job=1 HTTP/1.1"
    assert request.headers == {"host": f"localhost:{receiver.port}", "content-length": "7", "webhook-id": "w-1"}
    assert request.body == b'{"a":1}'


async def test_redirects_are_not_followed() -> None:
    """Otherwise a public receiver could send the sender anywhere."""
    async with Receiver() as inside, Receiver(answer=say(307, f"Location: {inside.url}")) as receiver:
        outcome = await deliver(receiver.url)
    assert outcome.error == "localhost answered 307, and redirects are not followed"
    assert (len(receiver.requests), inside.connections) == (1, 0)


async def test_an_endless_answer_is_abandoned() -> None:
    """Its status counts; of its body 64 KiB are read."""

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            await writer.drain()

    async with Receiver(answer=endless) as receiver, asyncio.timeout(90):
        outcome = await deliver(receiver.url, call_seconds=60)
        await receiver.cut_off.wait()
    assert (outcome.status, outcome.error) == (200, "")


async def test_endless_headers_are_a_failure() -> None:
    """They are bounded as well."""

    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"x" * 1000 + b"\r\n")
            await writer.drain()

    async with Receiver(answer=endless) as receiver, asyncio.timeout(90):
        outcome = await deliver(receiver.url, call_seconds=60)
    assert "gave no answer (RemoteProtocolError" in outcome.error


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nX-Never: ends"], ids=["silence", "half an answer"])
async def test_a_receiver_that_hangs_is_given_up(said: bytes, leap: Callable[[float], None]) -> None:
    """The bound holds for the whole call; without a status it is a retry."""
    hanging = asyncio.Event()

    async def hang(writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await hanging.wait()

    async with Receiver(answer=hang) as receiver, asyncio.timeout(90):
        outcome = await deliver(receiver.url, network=Impatience(said, leap), call_seconds=60)
        hanging.set()
    assert (outcome.status, outcome.final) == (None, False)
    assert outcome.error == "localhost gave no answer (TimeoutError)"


async def test_a_status_counts_though_its_body_hangs(leap: Callable[[float], None]) -> None:
    """The receiver has said that it took the webhook: sending it again would help nobody."""
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n..."
    hanging = asyncio.Event()

    async def hang(writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await hanging.wait()

    async with Receiver(answer=hang) as receiver, asyncio.timeout(90):
        outcome = await deliver(receiver.url, network=Impatience(said, leap), call_seconds=60)
        hanging.set()
    assert (outcome.status, outcome.error) == (200, "")


async def test_a_slow_name_server_is_within_the_bound() -> None:
    """Resolving is a part of the call."""

    async def silent(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(90):
        outcome = await deliver(f"https://{NAME}/", resolver=silent, call_seconds=0.1)
    assert outcome.error == f"{NAME} gave no answer (TimeoutError)"


async def test_every_delivery_has_a_connection_of_its_own() -> None:
    """One receiver's connection is never used for another, nor again."""
    async with Receiver() as receiver:
        each = courier()
        for _ in range(2):
            assert (await each.deliver(receiver.url, {}, b"{}")).error == ""
    assert receiver.connections == 2


async def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would resolve the name again, and reach what this process may not."""
    async with Receiver() as proxy, Receiver() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        outcome = await deliver(receiver.url)
    assert outcome.error == ""
    assert (proxy.connections, receiver.connections) == (0, 1)


async def test_tls_asks_for_the_name(tmp_path: Path) -> None:
    """The connection goes to an address, but the certificate must be the name's."""
    authority = Authority(NAME, tmp_path)
    async with Receiver(tls=authority.server) as receiver:
        outcome = await deliver(f"https://{NAME}:{receiver.port}/", resolver=this_machine, trust=authority.trust)
    assert (outcome.status, outcome.error) == (204, "")
    assert authority.server_names == [NAME]
    assert receiver.requests[0].headers["host"] == f"{NAME}:{receiver.port}"


async def test_a_certificate_for_another_name_is_not_enough(tmp_path: Path) -> None:
    """Nothing is sent to whoever cannot prove to be the receiver."""
    authority = Authority("other.example.com", tmp_path)
    async with Receiver(tls=authority.server) as receiver:
        outcome = await deliver(f"https://{NAME}:{receiver.port}/", resolver=this_machine, trust=authority.trust)
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.error
    assert receiver.requests == []


async def test_an_unknown_authority_is_not_enough(tmp_path: Path) -> None:
    """Without a context of the test's own, the public authorities are trusted and nobody else."""
    authority = Authority(NAME, tmp_path)
    async with Receiver(tls=authority.server) as receiver:
        outcome = await deliver(f"https://{NAME}:{receiver.port}/", resolver=this_machine)
    assert "CERTIFICATE_VERIFY_FAILED" in outcome.error
    assert receiver.requests == []
