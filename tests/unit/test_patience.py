"""Patience: how long a call that fails is made again."""

import asyncio
from collections.abc import Callable

import pytest
from google.api_core.exceptions import Aborted, NotFound

from tidegate.adapters.patience import Patience
from tidegate.testing import virtual_loop


def made(patience: Patience, failure: Exception, failures: int = 1_000) -> list[float]:
    """When the calls were made, in seconds, of which so many fail."""
    calls: list[float] = []

    async def call() -> str:
        calls.append(asyncio.get_running_loop().time())
        if len(calls) <= failures:
            raise failure
        return "answer"

    async def main() -> str:
        return await patience.answer(call, again_after=("Aborted",))

    if failures < 1_000:
        assert virtual_loop.run(main()) == "answer"
    else:
        with pytest.raises(type(failure)):
            virtual_loop.run(main())
    return calls


def longest() -> float:
    return 1.0


def test_pauses_double_up_to_the_longest() -> None:
    """Each is a random part of its bound; here all of it."""
    calls = made(Patience(6, 100, 1, 3, longest), Aborted("contention"), failures=5)
    assert calls == pytest.approx([0, 1, 3, 6, 9, 12])


@pytest.mark.parametrize(
    ("jitter", "tries", "seconds", "calls"),
    [(longest, 4, 100, 4), (longest, 100, 5, 3), (lambda: 0.0, 4, 100, 4)],
    ids=["its tries are over", "the next pause would end too late", "it never pauses"],
)
def test_it_ends(jitter: Callable[[], float], tries: int, seconds: float, calls: int) -> None:
    """With what the last call raised."""
    assert len(made(Patience(tries, seconds, 1, 3, jitter), Aborted("contention"))) == calls


def test_what_would_fail_again_is_not_repeated() -> None:
    """Only the errors that are named are worth it."""
    assert made(Patience(4, 100, 1, 3, longest), NotFound("no such topic")) == [0]
