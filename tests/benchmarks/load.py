"""Load on a function: requests over connections that are kept, so many of them in flight at a time.

It runs in a process of its own, so that neither its work nor that of whoever reads the function's
output takes part in what is measured.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tests.benchmarks.pushes import pushes
from tests.benchmarks.scenarios import Scenario
from tidegate.errors import TidegateError

_TIMEOUT_SECONDS = 120
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class Refused(TidegateError):
    """Something was not done as it was asked for, so that a run says nothing."""


Make = Callable[[str, Scenario, str, int], Iterator[bytes]]
"""Makes requests out of host, scenario, batch and how many there are; a function of a module, to be found elsewhere."""


@dataclass(frozen=True, slots=True)
class Load:
    """So many deliveries to the function at ``host`` (``address:port``).

    Attributes:
        batch: tells their events from others'.
    """

    host: str
    scenario: Scenario
    batch: str
    deliveries: int
    make: Make = pushes


@dataclass(frozen=True, slots=True)
class Answers:
    """What became of a load.

    Attributes:
        statuses: status → how many were answered so.
        wall_seconds: from the first request to the last answer.
        seconds: how long each took, in the order of the answers.
    """

    statuses: Mapping[int, int]
    wall_seconds: float
    seconds: tuple[float, ...]


def send(load: Load) -> Answers:
    """Make all deliveries, each once.

    Raises:
        Refused: one was not answered, or not with success.
    """
    prepared = [*load.make(load.host, load.scenario, load.batch, load.deliveries)]
    try:
        answers = asyncio.run(_send(load, prepared))
    except (TimeoutError, ExceptionGroup) as error:
        raise Refused(f"{load.host} gave no answer: {error!r}") from error
    if any(status // 100 != 2 for status in answers.statuses):
        raise Refused(f"answered {answers.statuses}")
    return answers


async def _send(load: Load, prepared: list[bytes]) -> Answers:
    left, seconds, statuses = iter(prepared), list[float](), Counter[int]()
    began = time.perf_counter()
    async with asyncio.timeout(_TIMEOUT_SECONDS), asyncio.TaskGroup() as connections:
        for _ in range(min(load.scenario.in_flight, load.deliveries)):
            connections.create_task(_connection(load.host, left, seconds, statuses))
    return Answers(dict(statuses), time.perf_counter() - began, tuple(seconds))


async def _connection(host: str, left: Iterator[bytes], seconds: list[float], statuses: Counter[int]) -> None:
    """One connection's requests, one after another."""
    address, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(address, int(port))
    for request in left:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        await reader.readexactly(int(length[1]) if length else 0)
        seconds.append(time.perf_counter() - began)
        statuses[int(head[9:12])] += 1
        if _CLOSES.search(head):
            writer.close()
            reader, writer = await asyncio.open_connection(address, int(port))
    writer.close()
