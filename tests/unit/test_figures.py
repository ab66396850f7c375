"""What delivery lines add up to."""

from typing import Any

import pytest

from tidegate_ops.demo.figures import function_figures, percentile


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        (range(1, 101), 50, 50),
        (range(1, 101), 99, 99),
        ([3, 1, 2], 50, 2),
        ([7], 99, 7),
        ([1, 2], 50, 1),
        ([1, 2], 99, 2),
        ([], 50, None),
    ],
)
def test_a_percentile_is_one_of_the_values(values: list[float], percent: float, expected: float | None) -> None:
    """The smallest that so many percent do not exceed."""
    assert percentile(list(values), percent) == expected


def line(second: int, verdict: str, event: str, *, latency: float = 100, duration: float = 1_000) -> dict[str, Any]:
    return {
        "function": "track_hour",
        "time": f"2013-02-08T12:00:{second:02}.000000Z",
        "verdict": verdict,
        "event_id": event,
        "latency_ms": latency,
        "duration_ms": duration,
    }


def test_figures_of_a_function() -> None:
    """Every delivery counts by its verdict; times are of those that were done."""
    figures = function_figures(
        [
            line(3, "done", "e2", latency=900, duration=20),
            line(1, "retry", "e1", latency=5_000),
            line(2, "done", "e1", latency=300, duration=10),
            line(4, "duplicate", "e1", latency=8_000),
        ]
    )["track_hour"]
    assert figures.deliveries == {"done": 2, "retry": 1, "duplicate": 1}
    assert (figures.p50_ms, figures.p99_ms, figures.handler_p50_ms) == (300, 900, 10)
    assert figures.per_second == 0.5, "two events in the four seconds since the first was received"


def test_a_function_that_completed_nothing_has_no_times() -> None:
    """There is nothing to measure."""
    figures = function_figures([line(1, "dead", "e1")])["track_hour"]
    assert (figures.p50_ms, figures.p99_ms, figures.handler_p50_ms) == (None, None, None)
