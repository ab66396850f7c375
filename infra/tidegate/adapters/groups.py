"""Calls that concurrent callers share: what comes while one is under way goes along with the next."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Generic, TypeVar

LONGEST_PACE_SECONDS = 0.008

Item = TypeVar("Item")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one call may hold, in pieces and in bytes, and how many calls may be under way at the same time.

    What is larger than a call may be gets one of its own.

    Attributes:
        pace_seconds: how long after a call the next one starts at the earliest, for each caller in it beyond the
            first. So where they come faster than that, calls grow until it is `LONGEST_PACE_SECONDS`; where they do
            not, calls shrink to one caller, who never waits.
    """

    pieces: int
    size: int
    calls: int
    pace_seconds: float = 0


class Groups(Generic[Item, Answer]):
    """Makes one call for many callers.

    Where fewer calls are under way than may be, the next one starts at once: who is alone waits for nobody. It takes
    along what has come meanwhile, in its order and as far as it fits; of one name only the first.

    A caller that gives up takes back what has not left yet, and nobody else's. Each event loop that uses it starts
    afresh: what was under way in one that has been closed will never be answered.
    """

    def __init__(
        self,
        call: Callable[[list[Item]], Awaitable[Sequence[Answer | Exception]]],
        limits: Limits,
        *,
        ordered: bool = False,
    ) -> None:
        """
        Args:
            call: the answer to each item, or what is wrong with it, in their order. It must end in bounded time.
            ordered: a call that fails fails what waits behind it as well, so that nothing overtakes.
        """
        self._call = call
        self._limits = limits
        self._ordered = ordered
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: deque[_Waiting[Item, Answer]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._due = False
        self._earliest = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self._waiting and not self._under_way

    async def ask(self, item: Item, *, size: int, pieces: int = 1, name: Hashable = None) -> Answer:
        """The answer to ``item``.

        Args:
            name: no call holds two items of the same name; None for those that may meet.

        Raises:
            Exception: what the call said of this item, or how it failed.
        """
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._begin_anew(loop)
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append(_Waiting(item, pieces, size, name, answer))
        if not self._due and len(self._under_way) < self._limits.calls:
            self._due = True
            # Not at once: others that are ready to run in the same turn of the loop may have something as well.
            loop.call_soon(self._start)
        return await answer

    def _begin_anew(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop, self._due, self._earliest = loop, False, 0.0
        self._waiting.clear()
        self._under_way.clear()

    def _start(self) -> None:
        self._due = False
        assert self._loop is not None
        while self._waiting and len(self._under_way) < self._limits.calls:
            now = self._loop.time()
            if now < self._earliest:
                self._due = True
                self._loop.call_at(self._earliest, self._start)
                return
            if not (group := self._next()):
                return
            self._earliest = now + min((len(group) - 1) * self._limits.pace_seconds, LONGEST_PACE_SECONDS)
            # It belongs to no caller in particular: neither to its span nor to its log lines.
            self._under_way.add(self._loop.create_task(self._make(group), context=Context()))

    def _next(self) -> "list[_Waiting[Item, Answer]]":
        """What the next call holds; leaves the rest waiting, in its order."""
        group: list[_Waiting[Item, Answer]] = []
        behind: list[_Waiting[Item, Answer]] = []
        names: set[Hashable] = set()
        pieces = size = 0
        while self._waiting:
            first = self._waiting[0]
            if first.answer.done():  # its caller has given up
                self._waiting.popleft()
                continue
            full = pieces + first.pieces > self._limits.pieces or size + first.size > self._limits.size
            if group and full:
                break
            self._waiting.popleft()
            if first.name is not None and first.name in names:
                behind.append(first)
                continue
            names.add(first.name)
            group.append(first)
            pieces, size = pieces + first.pieces, size + first.size
        self._waiting.extendleft(reversed(behind))
        return group

    async def _make(self, group: "list[_Waiting[Item, Answer]]") -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            answers = await self._call([each.item for each in group])
        except Exception as error:
            if self._ordered:
                group += self._waiting
                self._waiting.clear()
            answers = [error] * len(group)
        except BaseException:
            self._under_way.discard(task)
            for each in group:
                each.answer.cancel()
            raise
        if task in self._under_way:  # otherwise it is of a loop that is over
            self._under_way.discard(task)
            if not self._due:
                self._start()
        for each, answer in zip(group, answers, strict=True):
            if each.answer.done():
                continue
            if isinstance(answer, Exception):
                each.answer.set_exception(answer)
            else:
                each.answer.set_result(answer)


async def alone(
    call: Callable[[list[Item]], Awaitable[Sequence[Answer | Exception]]], items: list[Item]
) -> list[Answer | Exception]:
    """The answers of a call for each item by itself, where the one for all of them was refused for one's sake."""
    answers: list[Answer | Exception] = []
    for found in await asyncio.gather(*(call([each]) for each in items), return_exceptions=True):
        if not isinstance(found, BaseException):
            answers += found
        elif isinstance(found, Exception):
            answers.append(found)
        else:
            raise found
    return answers


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Generic[Item, Answer]):
    """An item, and where its caller waits."""

    item: Item
    pieces: int
    size: int
    name: Hashable
    answer: "asyncio.Future[Answer]"
