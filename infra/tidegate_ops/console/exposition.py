"""Metrics, and how Prometheus reads them.

Source of the format: Prometheus, "Exposition formats", text version 0.0.4.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Protocol

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metric(Protocol):
    """Named numbers, one or more for each set of labels' values."""

    def lines(self) -> Iterator[str]:
        """As Prometheus reads it."""
        ...


class _Family:
    def __init__(self, name: str, help: str, labels: Sequence[str]) -> None:
        self.name = name
        self._help = help
        self._labels = tuple(labels)

    def _header(self, kind: str) -> Iterator[str]:
        yield f"# HELP {self.name} {_escaped(self._help)}"
        yield f"# TYPE {self.name} {kind}"

    def _sample(self, suffix: str, values: Sequence[str], number: float, **more: str) -> str:
        named = {**dict(zip(self._labels, values, strict=True)), **more}
        inside = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in named.items())
        return f"{self.name}{suffix}{{{inside}}} {_number(number)}"


class Counter(_Family):
    """Counts up."""

    def __init__(self, name: str, help: str, labels: Sequence[str]) -> None:
        super().__init__(name, help, labels)
        self._counts: dict[tuple[str, ...], float] = {}

    def add(self, *values: str, by: float = 1) -> None:
        """Count for these values of the labels."""
        self._counts[values] = self._counts.get(values, 0) + by

    def lines(self) -> Iterator[str]:
        yield from self._header("counter")
        for values, count in sorted(self._counts.items()):
            yield self._sample("", values, count)


class Gauge(_Family):
    """Numbers as they are at this moment; made anew whenever somebody asks."""

    def __init__(self, name: str, help: str, labels: Sequence[str]) -> None:
        super().__init__(name, help, labels)
        self._numbers: dict[tuple[str, ...], float] = {}

    def set(self, *values: str, to: float) -> None:
        self._numbers[values] = to

    def lines(self) -> Iterator[str]:
        yield from self._header("gauge")
        for values, number in sorted(self._numbers.items()):
            yield self._sample("", values, number)


class Histogram(_Family):
    """How many of the observed values are at most as large as each bound."""

    def __init__(self, name: str, help: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        super().__init__(name, help, labels)
        self._bounds = (*bounds, math.inf)
        self._buckets: dict[tuple[str, ...], list[float]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, *values: str, value: float, weight: float = 1) -> None:
        """Note a value, or one that stands for ``weight`` of them."""
        buckets = self._buckets.setdefault(values, [0] * len(self._bounds))
        buckets[bisect_left(self._bounds, value)] += weight
        self._sums[values] = self._sums.get(values, 0) + value * weight

    def lines(self) -> Iterator[str]:
        yield from self._header("histogram")
        for values, buckets in sorted(self._buckets.items()):
            count = 0.0
            for bound, number in zip(self._bounds, buckets, strict=True):
                count += number
                yield self._sample("_bucket", values, count, le=_number(bound))
            yield self._sample("_sum", values, self._sums[values])
            yield self._sample("_count", values, count)


def rendered(metrics: Sequence[Metric]) -> str:
    """The page that Prometheus reads."""
    return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def _number(number: float) -> str:
    if math.isinf(number):
        return "+Inf"
    return str(int(number)) if number == int(number) else repr(round(number, 9))


def _escaped(text: str, *, quotes: bool = False) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text
