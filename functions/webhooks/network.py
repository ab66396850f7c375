"""The way to a receiver: its name resolved once, and a connection to an address that was checked."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ssl import SSLContext
from typing import TypeAlias

import httpcore
from addresses import Target

Resolver: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""From a host and port to all of the host's IP addresses; raises OSError where there are none."""

CONNECT_SECONDS = 5.0
"""For each address, so that a silent one leaves time for the next."""
BODY_BYTES = 64 * 1024

FAILURES = (OSError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError)
"""What `post` raises where no answer was had."""

# Threads of its own: a receiver's slow name server shall not hold up what else the process runs in threads.
_LOOKUPS = ThreadPoolExecutor(max_workers=32, thread_name_prefix="resolve")


async def resolve(host: str, port: int) -> Sequence[str]:
    """The system's `Resolver`."""
    loop = asyncio.get_running_loop()
    found = await loop.run_in_executor(_LOOKUPS, _look_up, host, port)
    return list(dict.fromkeys(found))


def _look_up(host: str, port: int) -> list[str]:
    return [str(address[0]) for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class PinnedNetwork(httpcore.AsyncNetworkBackend):
    """A network on which every name leads to the same few addresses, so that nothing is resolved a second time.

    TLS and the Host header keep the name; it alone says whom the certificate must be for.
    """

    def __init__(self, addresses: Sequence[str], network: httpcore.AsyncNetworkBackend) -> None:
        self._addresses = addresses
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers."""
        failure: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


async def post(
    target: Target, headers: dict[str, str], body: bytes, *, network: PinnedNetwork, trust: SSLContext, seconds: float
) -> int:
    """POST ``body`` over a connection of its own, and return the answer's status.

    The status counts as soon as it is there. The answer's body is read only so that the receiver can
    finish in peace, and no further than `BODY_BYTES`. Redirects, proxies and cookies do not exist here.

    Args:
        seconds: the bound on the whole call.

    Raises:
        OSError, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError: no answer was had.
    """
    origin = httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port)
    url = httpcore.URL(scheme=origin.scheme, host=origin.host, port=target.port, target=target.path.encode())
    fields = [("Host", target.authority), *headers.items()]
    extensions = {"timeout": {"connect": CONNECT_SECONDS}}
    status: int | None = None
    try:
        async with (
            asyncio.timeout(seconds),
            httpcore.AsyncHTTPConnection(origin, trust, network_backend=network) as connection,
            connection.stream("POST", url, headers=fields, content=body, extensions=extensions) as answer,
        ):
            status = answer.status
            await _drain(answer)
    except FAILURES:
        if status is None:
            raise
    return status


async def _drain(answer: httpcore.Response) -> None:
    received = 0
    async for chunk in answer.aiter_stream():
        received += len(chunk)
        if received >= BODY_BYTES:
            return
