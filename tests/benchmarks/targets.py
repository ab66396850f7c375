"""What is aimed at, held against what was measured."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.benchmarks.bench import ASYNC, SYNC, TIDEGATE
from tests.benchmarks.course import Findings
from tests.benchmarks.dramatiq_contender import LABEL as DRAMATIQ
from tests.benchmarks.figures import Figure, Sample, Spread, ratio
from tests.benchmarks.scenarios import HEADLINE


@dataclass(frozen=True, slots=True)
class Target:
    """A promise about a figure, which is to be at most ``bound``."""

    promise: str
    bound: float
    measured: Spread
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the median keeps it."""
        return self.measured.median <= self.bound

    @property
    def bound_text(self) -> str:
        return f"≤ {self.bound:g}{self.unit}"

    @property
    def measured_text(self) -> str:
        return f"{self.measured:{',.0f' if self.unit else '.2f'}}{self.unit}"

    @property
    def judgement(self) -> str:
        return "yes" if self.met else "**no**"


def _cpu(sample: Sample) -> float:
    return sample.cpu_us


def _p50(sample: Sample) -> float | None:
    return sample.p50_ms


def _peak(sample: Sample) -> float:
    return sample.peak_mb


def targets(found: Findings) -> Iterator[Target]:
    """Those for which enough was measured."""
    yield from _headline(found)
    if (arms := found.comparisons.get("1 in flight")) and (measured := ratio(arms[TIDEGATE], arms[ASYNC], _p50)):
        yield Target(f"p50 at 1 in flight, of {ASYNC}", 1, measured)
    if {"duplicate", HEADLINE.name} <= found.comparisons.keys():
        duplicates, firsts = (found.comparisons[name][TIDEGATE] for name in ("duplicate", HEADLINE.name))
        yield Target("CPU of a duplicate, of a first delivery", 0.6, _ratio(duplicates, firsts, _cpu))
    for label in (ASYNC, SYNC):
        if found.starts:
            pairs = zip(found.starts[TIDEGATE], found.starts[label], strict=True)
            yield Target(
                f"cold start, of {label}", 0.75, Spread.of(ours.seconds / theirs.seconds for ours, theirs in pairs)
            )
    if found.ledger:
        changes = [abs(each - 1) for each in ledger_growth(found.ledger)]
        yield Target("change of CPU as the ledger grows", 0.1, Spread(max(changes), min(changes), max(changes)))


def ledger_growth(ledger: Mapping[int, Mapping[str, list[Sample]]]) -> list[float]:
    """What a delivery costs at each size, of what it did at the first.

    What the baseline, whose own documents stay few, does in the same rounds is taken out: that is the machine.
    """
    ratios = [_ratio(arms[TIDEGATE], arms[ASYNC], _cpu).median for arms in ledger.values()]
    return [each / ratios[0] for each in ratios]


def _headline(found: Findings) -> Iterator[Target]:
    arms = found.comparisons.get(HEADLINE.name)
    if not arms:
        return
    ours = arms[TIDEGATE]
    yield Target("CPU of a delivery with one event", 450, Spread.of(map(_cpu, ours)), " µs")
    for label, bound in ((ASYNC, 0.25), (SYNC, 0.125), (DRAMATIQ, 1.0)):
        if label in arms:
            yield Target(f"CPU of a delivery with one event, of {label}", bound, _ratio(ours, arms[label], _cpu))
    yield Target(f"peak memory, of {ASYNC}", 1.2, _ratio(ours, arms[ASYNC], _peak))


def _ratio(samples: list[Sample], baseline: list[Sample], figure: Figure) -> Spread:
    measured = ratio(samples, baseline, figure)
    assert measured is not None
    return measured
