"""Calls that callers share: when one starts, what it holds, and what becomes of whom when something goes wrong."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextvars import ContextVar

import pytest

from tidegate.adapters.groups import Groups, Limits
from tidegate.testing.virtual_loop import run

WIDE = Limits(pieces=100, size=1000, calls=1)


class Service:
    """Takes a second for each call, and doubles what it is asked.

    Attributes:
        calls: when each began, and what it held.
        failing: what it says of these items.
        down: how many of the next calls fail as a whole.
    """

    def __init__(self, limits: Limits = WIDE, *, ordered: bool = False) -> None:
        self.calls: list[tuple[float, list[int]]] = []
        self.failing: dict[int, Exception] = {}
        self.down = 0
        self.groups = Groups(self._call, limits, ordered=ordered)

    async def ask(self, item: int, at: float = 0, **options: int) -> int | str:
        """The answer to ``item``, asked at this time, or what was said instead."""
        await asyncio.sleep(at)
        try:
            return await self.groups.ask(item, **{"size": 1, **options})
        except Exception as error:
            return str(error)

    @property
    def held(self) -> list[list[int]]:
        return [items for _, items in self.calls]

    async def _call(self, items: list[int]) -> Sequence[int | Exception]:
        self.calls.append((asyncio.get_running_loop().time(), items))
        down, self.down = self.down > 0, max(0, self.down - 1)
        await asyncio.sleep(1)
        if down:
            raise ConnectionError("down")
        return [self.failing.get(each, 2 * each) for each in items]


def all_of(service: Service, *asked: Awaitable[int | str]) -> list[int | str]:
    async def story() -> list[int | str]:
        return await asyncio.gather(*asked)

    answers = run(story())
    assert service.groups.idle
    return answers


def test_who_is_alone_waits_for_nobody() -> None:
    """Where nothing is under way, a call starts in the same turn of the loop."""
    service = Service()
    assert all_of(service, service.ask(1), service.ask(2, at=5)) == [2, 4]
    assert service.calls == [(0, [1]), (5, [2])]


def test_what_comes_meanwhile_goes_along_with_the_next() -> None:
    """And what is there together leaves together; each caller gets its own answer."""
    service = Service()
    assert all_of(service, *(service.ask(n, at=at) for n, at in enumerate([0, 0, 0.2, 0.9, 1.5]))) == [0, 2, 4, 6, 8]
    assert service.calls == [(0, [0, 1]), (1, [2, 3]), (2, [4])]


def test_several_calls_may_be_under_way() -> None:
    """As many as the limits say; the next one starts when the first of them ends."""
    service = Service(Limits(pieces=100, size=1000, calls=2))
    all_of(service, *(service.ask(n, at=n / 4) for n in range(4)))
    assert service.calls == [(0, [0]), (0.25, [1]), (1, [2, 3])]


def test_under_load_calls_keep_a_pace() -> None:
    """The next call waits a moment for others after one that had several callers, never after one that had one."""
    service = Service(Limits(pieces=100, size=1000, calls=9, pace_seconds=0.004))
    times = [0, 0.001, 0.001, 0.003, 0.0045, 0.0051, 1, 1, 1, 1, 1.001]
    all_of(service, *(service.ask(n, at=at) for n, at in enumerate(times)))
    begun = [round(began, 6) for began, _ in service.calls]
    assert (begun, [sorted(each) for each in service.held]) == (
        [0, 0.001, 0.005, 0.009, 1, 1.008],
        [[0], [1, 2], [3, 4], [5], [6, 7, 8, 9], [10]],
    )


@pytest.mark.parametrize("options", [{"pieces": 4}, {"size": 40}], ids=["pieces", "bytes"])
def test_a_call_holds_no_more_than_fits(options: dict[str, int]) -> None:
    """What does not fit goes first next time; what fits into no call has one of its own."""
    service = Service(Limits(pieces=10, size=100, calls=1))
    huge = dict.fromkeys(options, 1000)
    all_of(service, *(service.ask(n, **(huge if n == 3 else options)) for n in range(6)))
    assert service.held == [[0, 1], [2], [3], [4, 5]]


def test_one_name_is_in_no_call_twice() -> None:
    """The second one waits for the next call, in its order; others go past it."""
    service = Service()
    names = [7, 7, 8, 7, 9]
    all_of(service, *(service.ask(n, name=name) for n, name in enumerate(names)))
    assert service.held == [[0, 2, 4], [1], [3]]


def test_an_item_fails_alone() -> None:
    """What the call says of one says nothing of its neighbours."""
    service = Service()
    service.failing[1] = ValueError("refused")
    assert all_of(service, *map(service.ask, range(3))) == [0, "refused", 4]


def test_a_call_fails_for_all_that_it_holds() -> None:
    """And for nobody else."""
    service = Service()
    service.down = 1
    assert all_of(service, *(service.ask(n, at=at) for n, at in enumerate([0, 0, 0.5]))) == ["down", "down", 4]


def test_in_order_nothing_overtakes_what_failed() -> None:
    """What waited behind it fails as well; what comes afterwards does not."""
    service = Service(Limits(pieces=1, size=100, calls=1), ordered=True)
    service.down = 1
    assert all_of(service, *(service.ask(n, at=at) for n, at in enumerate([0, 0, 0.5, 3]))) == ["down"] * 3 + [6]
    assert service.held == [[0], [3]]


@pytest.mark.parametrize(
    ("seconds", "held"),
    [(0.5, [[0, 1], [3]]), (1.5, [[0, 1], [2, 3]])],
    ids=["what waits is taken back", "what has left is not"],
)
def test_who_gives_up_disturbs_nobody(seconds: float, held: list[list[int]]) -> None:
    """The others of its call get their answers."""
    service = Service()

    async def story() -> list[int | str]:
        tasks = [asyncio.create_task(service.ask(n, at=at)) for n, at in enumerate([0, 0, 0.1, 0.2])]
        await asyncio.sleep(seconds)
        tasks[2].cancel()
        if seconds < 1:
            tasks[1].cancel()
        return await asyncio.gather(tasks[0], tasks[3])

    assert run(story()) == [0, 6]
    assert service.held == held


def test_a_closed_loop_leaves_nothing_behind() -> None:
    """Who used it in a loop that ended in the middle of a call can use it in the next."""
    service = Service()

    async def abandoned() -> None:
        for n in range(3):
            asyncio.get_running_loop().create_task(service.ask(n, at=n / 4))
        await asyncio.sleep(0.6)

    run(abandoned())
    assert all_of(service, service.ask(5)) == [10]
    assert service.held == [[0], [5]]


def test_a_call_belongs_to_no_caller() -> None:
    """What a caller's context says of its delivery does not reach the call, which others share."""
    delivery: ContextVar[str] = ContextVar("delivery", default="nobody's")

    async def call(items: list[int]) -> list[str]:
        return [delivery.get() for _ in items]

    async def story() -> str:
        delivery.set("a caller's")
        return await Groups(call, WIDE).ask(1, size=1)

    assert run(story()) == "nobody's"
