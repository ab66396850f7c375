"""The courier: takes one webhook to its receiver, and says what came of it."""

import asyncio
from dataclasses import dataclass
from ssl import SSLContext

import httpcore
from addresses import Forbidden, Target, admit, parse
from breakers import Breakers, Suspended
from network import FAILURES, PinnedNetwork, Resolver, post, resolve

from tidegate import Reject

CALL_SECONDS = 15.0
GONE = 410
OVERLOADED = (408, 425, 429)


class Undelivered(Exception):
    """The webhook was not taken this time; a later attempt may be more fortunate."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt.

    Attributes:
        host: the receiver's; empty where the URL has none that could be read.
        status: of the receiver's answer; None without one.
        error: why the webhook does not count as delivered; empty if it does.
        final: no later attempt can do better.
    """

    host: str
    status: int | None = None
    error: str = ""
    final: bool = False

    def conclude(self) -> None:
        """Return if the webhook is delivered.

        Raises:
            Reject: it never will be.
            Undelivered: it may be, later.
        """
        if self.error:
            raise Reject(self.error) if self.final else Undelivered(self.error)


class Courier:
    """Delivers webhooks for one process, and remembers which hosts fail.

    Args:
        loopback: receivers on this machine are allowed, over http too.
        trust: the authorities that may vouch for receivers.
    """

    def __init__(
        self,
        *,
        loopback: bool,
        breakers: Breakers,
        resolver: Resolver = resolve,
        network: httpcore.AsyncNetworkBackend | None = None,
        trust: SSLContext | None = None,
        call_seconds: float = CALL_SECONDS,
    ) -> None:
        self._loopback = loopback
        self._breakers = breakers
        self._resolve = resolver
        self._network = network or httpcore.AnyIOBackend()
        self._trust = trust or httpcore.default_ssl_context()
        self._call_seconds = call_seconds

    async def deliver(self, url: str, headers: dict[str, str], body: bytes) -> Outcome:
        """POST ``body`` to ``url``, if that is allowed and its host is not left alone for now."""
        try:
            target = parse(url, loopback=self._loopback)
        except Forbidden as error:
            return Outcome("", error=str(error), final=True)
        try:
            with self._breakers.call(target.host) as call:
                status = await self._post(target, headers, body)
                call.healthy = works(status)
        except Forbidden as error:
            return Outcome(target.host, error=str(error), final=True)
        except Suspended as error:
            return Outcome(target.host, error=str(error))
        except FAILURES as error:
            return Outcome(target.host, error=f"{target.host} gave no answer ({_describe(error)})")
        return judge(target.host, status)

    async def _post(self, target: Target, headers: dict[str, str], body: bytes) -> int:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._call_seconds
        async with asyncio.timeout_at(deadline):
            resolved = await self._resolve(target.host, target.port)
        network = PinnedNetwork(admit(target, resolved, loopback=self._loopback), self._network)
        seconds = deadline - loop.time()
        return await post(target, headers, body, network=network, trust=self._trust, seconds=seconds)


def judge(host: str, status: int) -> Outcome:
    """What an answer means. Only a 410 is final: receivers deploy too, and a 404 of today may be gone tomorrow."""
    if 200 <= status < 300:
        return Outcome(host, status)
    if status == GONE:
        return Outcome(host, status, f"the receiver wants no more: {host} answered 410 Gone", final=True)
    if 300 <= status < 400:
        return Outcome(host, status, f"{host} answered {status}, and redirects are not followed")
    return Outcome(host, status, f"{host} answered {status}")


def works(status: int) -> bool:
    """Whether a host that answers so is able to work; one wrong URL shall not cut off its neighbours on the host."""
    return status < 500 and status not in OVERLOADED


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
