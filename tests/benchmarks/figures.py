"""What runs add up to: medians, how far they are apart, and ratios of runs that were made side by side."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from tests.benchmarks.load import Answers
from tests.benchmarks.meter import Meter
from tidegate_ops.demo.figures import percentile


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one contender.

    Attributes:
        cpu_us: microseconds of processor time that its processes used for a delivery.
        per_second: deliveries answered a second.
        p50_ms, p99_ms: how long one took; None where nobody waits for an answer.
        peak_mb: the most memory that one of its processes had resident.
        emulators_us: microseconds of processor time that the emulators used for a delivery.
    """

    cpu_us: float
    per_second: float
    p50_ms: float | None
    p99_ms: float | None
    peak_mb: float
    emulators_us: float

    @classmethod
    def of(cls, answers: Answers, meter: Meter, emulators_seconds: float) -> "Sample":
        """Put together what was measured of a run."""
        count = sum(answers.statuses.values())
        p50, p99 = (percentile(answers.seconds, percent) for percent in (50, 99))
        return cls(
            cpu_us=meter.cpu_seconds() / count * 1e6,
            per_second=count / answers.wall_seconds,
            p50_ms=None if p50 is None else p50 * 1000,
            p99_ms=None if p99 is None else p99 * 1000,
            peak_mb=meter.peak_megabytes(),
            emulators_us=emulators_seconds / count * 1e6,
        )


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of several values, and the least and the greatest of them."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """
        Raises:
            ValueError: there is no value.
        """
        known = sorted(values)
        if not known:
            raise ValueError("no values")
        return cls(median(known), known[0], known[-1])

    def __format__(self, form: str) -> str:
        """All three, each in this form."""
        return f"{self.median:{form}} ({self.low:{form}}\N{EN DASH}{self.high:{form}})"


Figure = Callable[[Sample], float | None]
"""One figure of a run, such as ``lambda sample: sample.cpu_us``."""


def spread(samples: Iterable[Sample], figure: Figure) -> Spread | None:
    """A figure over runs; None where they do not have it."""
    values = [value for value in map(figure, samples) if value is not None]
    return Spread.of(values) if values else None


def ratio(samples: Sequence[Sample], baseline: Sequence[Sample], figure: Figure) -> Spread | None:
    """A figure as a multiple of the baseline's in the same round, over rounds: what slows both cancels out."""
    pairs = [(figure(ours), figure(theirs)) for ours, theirs in zip(samples, baseline, strict=True)]
    values = [ours / theirs for ours, theirs in pairs if ours is not None and theirs]
    return Spread.of(values) if values else None
