"""Batches: many events in one request, one a line, each accepted or refused by itself."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from allowances import Allowances
from catalogue import check
from options import Options
from problems import Kind, Problem, unavailable
from reception import Reception, Submission, receipt
from representations import rendered

from tidegate.contracts import Contract
from tidegate.errors import PublishFailed, StoreUnavailable

MAX_LINES = 10_000
AT_A_TIME = 32
ACCEPTED = 202

# A line that was refused so may be taken when it is sent again.
_PASSING = {each.status for each in (Kind.RATE_EXCEEDED, Kind.INTERNAL, Kind.UNAVAILABLE, Kind.BACKLOG_FULL)}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is common to the lines of a batch, and the lines: (number from 1, text); ``client`` is whose rate counts."""

    contract: type[Contract]
    principal: str
    client: str
    options: Options
    lines: tuple[tuple[int, bytes], ...]


def lines(body: bytes) -> tuple[tuple[int, bytes], ...]:
    """The lines of a body with their numbers; empty ones are left out.

    Raises:
        Problem: there are none, or too many.
    """
    if body.count(b"\n") > MAX_LINES:  # before any of them is made
        raise Problem(Kind.TOO_LARGE, f"a batch has at most {MAX_LINES:,} lines", max_lines=MAX_LINES)
    found = tuple((number, line) for number, line in enumerate(body.split(b"\n"), start=1) if line.strip())
    if not found:
        raise Problem(Kind.MALFORMED_BODY, "the batch is empty: send one event as JSON on each line")
    if found[-1][0] > MAX_LINES:
        raise Problem(Kind.TOO_LARGE, f"a batch has at most {MAX_LINES:,} lines", max_lines=MAX_LINES)
    return found


class Batches:
    """Accepts batches.

    A line that was begun is ended even if the client leaves, so that no job is kept whose event is
    never published. No further line is begun then.
    """

    def __init__(self, reception: Reception, allowances: Allowances) -> None:
        self._reception = reception
        self._allowances = allowances
        self._begun: set[asyncio.Task[dict[str, Any]]] = set()

    async def accept(self, batch: Batch) -> AsyncGenerator[bytes, None]:
        """Each line's outcome as a line of JSON, in order."""
        outcomes = self._in_turn(batch) if batch.options.ordering_key else self._side_by_side(batch)
        async for outcome in outcomes:
            yield rendered(outcome) + b"\n"

    async def _side_by_side(self, batch: Batch) -> AsyncGenerator[dict[str, Any], None]:
        under_way: deque[asyncio.Task[dict[str, Any]]] = deque()
        for number, data in batch.lines:
            under_way.append(self._begin(batch, number, data))
            if len(under_way) == AT_A_TIME:
                yield await asyncio.shield(under_way.popleft())
        while under_way:
            yield await asyncio.shield(under_way.popleft())

    async def _in_turn(self, batch: Batch) -> AsyncGenerator[dict[str, Any], None]:
        """Once an event may be taken later, the ones after it are not tried: they would overtake it."""
        stuck = 0
        for number, data in batch.lines:
            if stuck:
                detail = f"not tried, because line {stuck} of the same ordering key comes first: repeat the request"
                yield _refused(number, Problem(Kind.UNAVAILABLE, detail))
                continue
            outcome = await asyncio.shield(self._begin(batch, number, data))
            yield outcome
            if outcome["status"] in _PASSING:
                stuck = number

    def _begin(self, batch: Batch, number: int, data: bytes) -> "asyncio.Task[dict[str, Any]]":
        task = asyncio.get_running_loop().create_task(self._accept_line(batch, number, data))
        self._begun.add(task)  # the loop itself would let go of it
        task.add_done_callback(self._begun.discard)
        return task

    async def _accept_line(self, batch: Batch, number: int, data: bytes) -> dict[str, Any]:
        try:
            self._allowances.take(batch.client)
            check(batch.contract, data)
            submission = Submission(batch.contract, data, batch.principal, batch.options, number)
            job = await self._reception.accept(submission)
        except Problem as problem:
            return _refused(number, problem)
        except (StoreUnavailable, PublishFailed) as error:
            return _refused(number, unavailable(error))
        except Exception:
            _log.exception("line %d of a batch failed", number)
            return _refused(number, Problem(Kind.INTERNAL, "an error of our own; it has been logged"))
        return {"line": number, "status": ACCEPTED, **receipt(job)}


def _refused(number: int, problem: Problem) -> dict[str, Any]:
    return {"line": number, "status": problem.kind.status, "problem": problem.body}
