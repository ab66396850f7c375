"""The token bucket, in time that is moved by hand."""

import math

import pytest

from tidegate.rates import Rate


def waits(rate: Rate, now: float, count: int) -> list[float]:
    return [round(wait, 6) for _ in range(count) if (wait := rate.reserve(now, math.inf)) is not None]


def test_one_seconds_worth_at_once_then_in_turn() -> None:
    """A full bucket serves a burst; whoever comes later waits for their own place."""
    rate = Rate(4)
    assert waits(rate, 100, 7) == [0, 0, 0, 0, 0.25, 0.5, 0.75]


def test_what_is_not_used_does_not_pile_up() -> None:
    """A long rest fills the bucket once."""
    rate = Rate(4)
    waits(rate, 0, 1)
    assert waits(rate, 1000, 6) == [0, 0, 0, 0, 0.25, 0.5]


def test_it_fills_again_by_and_by() -> None:
    """Half a second gives back half of a second's worth."""
    rate = Rate(4)
    waits(rate, 0, 4)
    assert waits(rate, 0.5, 3) == [0, 0, 0.25]


@pytest.mark.parametrize("per_second", [0.1, 0.5, 1.0])
def test_slow_rates_have_no_burst(per_second: float) -> None:
    """The first is free, the next comes an interval later."""
    assert waits(Rate(per_second), 5, 3) == [0, round(1 / per_second, 6), round(2 / per_second, 6)]


@pytest.mark.parametrize(("burst", "free"), [(1, 1), (3, 3), (40, 40), (0.5, 1)])
def test_a_burst_may_be_of_any_size(burst: float, free: int) -> None:
    """So many after a rest, one at least; the rate is as before."""
    rate = Rate(4, burst)
    assert waits(rate, 0, free + 2) == [0] * free + [0.25, 0.5]
    assert waits(rate, 1000, free + 1) == [0] * free + [0.25]


def test_asking_takes_no_place() -> None:
    """The wait is that of whoever comes next."""
    rate = Rate(2, burst=1)
    assert [rate.wait(0) for _ in range(3)] == [0, 0, 0]
    assert rate.reserve(0, 0) == 0
    assert [rate.wait(now) for now in (0, 0.25, 0.5, 9)] == [0.5, 0.25, 0, 0]


def test_who_cannot_wait_takes_no_place() -> None:
    """A refusal leaves the place to the next."""
    rate = Rate(1)
    assert rate.reserve(0, 0) == 0
    assert rate.reserve(0, 0.5) is None
    assert rate.reserve(0, 1) == 1
