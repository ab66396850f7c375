"""Allowances: how many events each client may hand in on this instance, as the topology's rate says."""

import asyncio
import math
from collections import OrderedDict

from problems import Kind, Problem

from tidegate.function_config import HttpFunctionConfig
from tidegate.rates import Rate

MAX_CLIENTS = 10_000
"""Of so many clients it is known what they have used; of those that came last."""


class Allowances:
    """A token bucket for each client; none where the topology sets no rate."""

    def __init__(self, config: HttpFunctionConfig) -> None:
        self._per_second = config.rate_per_second
        self._burst = config.burst
        self._rates: OrderedDict[str, Rate] = OrderedDict()

    def check(self, client: str) -> None:
        """Let a client pass that may hand in an event now; nothing is taken from it.

        Raises:
            Problem: it has handed in too many.
        """
        rate = self._rate(client)
        if rate is not None and rate.wait(_now()) > 0:
            raise self._exceeded(rate)

    def take(self, client: str) -> None:
        """Count one event of a client.

        Raises:
            Problem: it has handed in too many; this one does not count.
        """
        rate = self._rate(client)
        if rate is not None and rate.reserve(_now(), within=0) is None:
            raise self._exceeded(rate)

    def _rate(self, client: str) -> Rate | None:
        if self._per_second is None:
            return None
        rate = self._rates.setdefault(client, Rate(self._per_second, self._burst))
        self._rates.move_to_end(client)
        if len(self._rates) > MAX_CLIENTS:
            self._rates.popitem(last=False)
        return rate

    def _exceeded(self, rate: Rate) -> Problem:
        return Problem(
            Kind.RATE_EXCEEDED,
            f"{self._per_second:g} events a second are taken from one client: come again later",
            retry_after=max(1, math.ceil(rate.wait(_now()))),
            rate_per_second=self._per_second,
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
