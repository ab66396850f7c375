"""What delivery lines add up to: counts, throughput and percentiles."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tidegate.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class FunctionFigures:
    """How one function did.

    Attributes:
        deliveries: verdict → how many deliveries ended so.
        per_second: events brought to an end, over the time from the first receipt to the last answer.
        p50_ms, p99_ms: from publish to done, retries and queueing included; None if nothing was done.
        handler_p50_ms: from receipt to answer, of the deliveries that were done.
    """

    deliveries: Mapping[str, int]
    per_second: float
    p50_ms: float | None
    p99_ms: float | None
    handler_p50_ms: float | None


def function_figures(lines: Iterable[Mapping[str, Any]]) -> dict[str, FunctionFigures]:
    """Function → its figures, from delivery lines in any order."""
    by_function: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines:
        by_function.setdefault(line["function"], []).append(line)
    return {name: _figures(of_function) for name, of_function in sorted(by_function.items())}


def percentile(values: Sequence[float], percent: float) -> float | None:
    """The smallest value that ``percent`` of the values do not exceed (nearest rank); None of no values."""
    if not values:
        return None
    return sorted(values)[max(math.ceil(percent / 100 * len(values)), 1) - 1]


def _figures(lines: Sequence[Mapping[str, Any]]) -> FunctionFigures:
    done = [line for line in lines if line["verdict"] == Verdict.DONE]
    ended = {line["event_id"] for line in lines if Verdict(line["verdict"]).acked}
    waits = [line["latency_ms"] for line in done if "latency_ms" in line]
    return FunctionFigures(
        deliveries=dict(Counter(line["verdict"] for line in lines)),
        per_second=round(len(ended) / _seconds(lines), 1),
        p50_ms=percentile(waits, 50),
        p99_ms=percentile(waits, 99),
        handler_p50_ms=percentile([line["duration_ms"] for line in done], 50),
    )


def _seconds(lines: Sequence[Mapping[str, Any]]) -> float:
    ends = [datetime.fromisoformat(line["time"]) for line in lines]
    begins = [end - timedelta(milliseconds=line["duration_ms"]) for end, line in zip(ends, lines, strict=True)]
    return max((max(ends) - min(begins)).total_seconds(), 0.001)
