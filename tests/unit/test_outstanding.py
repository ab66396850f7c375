"""The bound on what is under way: in pieces, in bytes, and in the order of arrival."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from tidegate.outstanding import Outstanding
from tidegate.testing.virtual_loop import run


class Work:
    """Work of a second each, in the places that it is given.

    Attributes:
        begun: when each piece of work began, by its name.
        most_pieces, most_bytes: the most that was under way.
    """

    def __init__(self, max_pieces: int, max_bytes: int) -> None:
        self.begun: dict[str, float] = {}
        self.most_pieces = self.most_bytes = 0
        self._places = Outstanding(max_pieces, max_bytes)
        self._pieces = self._bytes = 0

    async def do(self, name: str, pieces: int, size: int) -> None:
        async with self._places.place(pieces, size):
            self.begun[name] = asyncio.get_running_loop().time()
            self._pieces, self._bytes = self._pieces + pieces, self._bytes + size
            self.most_pieces = max(self.most_pieces, self._pieces)
            self.most_bytes = max(self.most_bytes, self._bytes)
            await asyncio.sleep(1)
            self._pieces, self._bytes = self._pieces - pieces, self._bytes - size


def all_of(*work: Coroutine[Any, Any, None]) -> None:
    async def story() -> None:
        await asyncio.gather(*work)

    run(story())


@pytest.mark.parametrize(("pieces", "size"), [(10, 1), (1, 100)])
def test_no_more_is_under_way_than_fits(pieces: int, size: int) -> None:
    """By either measure; the rest waits, and nothing is lost."""
    work = Work(30, 300)
    all_of(*(work.do(str(each), pieces, size) for each in range(10)))
    assert (work.most_pieces, work.most_bytes) == (3 * pieces, 3 * size)
    assert sorted(work.begun.values()) == [0] * 3 + [1] * 3 + [2] * 3 + [3]


def test_what_is_large_is_not_overtaken() -> None:
    """Small work that came later waits behind it, although it would fit."""
    work = Work(100, 100)
    all_of(work.do("first", 1, 60), work.do("large", 1, 90), work.do("small", 1, 10))
    assert work.begun == {"first": 0, "large": 1, "small": 1}


def test_what_is_too_large_goes_alone() -> None:
    """It would otherwise wait for ever."""
    work = Work(100, 100)
    all_of(work.do("first", 1, 1), work.do("huge", 1, 500), work.do("last", 1, 1))
    assert work.begun == {"first": 0, "huge": 1, "last": 2}


def test_who_gives_up_waiting_blocks_nobody() -> None:
    """Its turn goes to the next; a place that was had is given back, however its work ends."""
    work = Work(1, 100)

    async def story() -> None:
        tasks = [asyncio.create_task(work.do(name, 1, 1)) for name in ("failing", "impatient", "last")]
        await asyncio.sleep(0.5)
        for each in tasks[:2]:
            each.cancel()
        await tasks[2]

    run(story())
    assert work.begun == {"failing": 0, "last": 0.5}
