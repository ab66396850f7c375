"""Many runs on all processors."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context

from tests.simulation.faults import Fault
from tests.simulation.placements import pairs, placed
from tests.simulation.schedule import seeded

_CHUNK = 50


@dataclass
class Tally:
    """What a number of runs came to.

    Attributes:
        failures: the argument that replays a failing run → its violations.
    """

    runs: int = 0
    operations: int = 0
    failures: dict[str, list[str]] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Take in another tally."""
        self.runs += other.runs
        self.operations += other.operations
        self.failures |= other.failures


def random_runs(seeds: range, workers: int | None = None) -> Iterator[Tally]:
    """Run every seed; yields a tally for each chunk that is done."""
    chunks = (seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK))
    yield from _spread(_seeds, chunks, workers)


def pairs_of(firsts: Iterable[dict[int, Fault]], workers: int | None = None) -> Iterator[Tally]:
    """Run every pair that begins with one of ``firsts``; yields a tally for each first fault."""
    yield from _spread(_pairs, iter(firsts), workers)


def _seeds(seeds: range) -> Tally:
    tally = Tally()
    for seed in seeds:
        outcome = seeded(seed)
        tally.runs += 1
        tally.operations += outcome.operations
        if outcome.violations:
            tally.failures[f"--seed {seed}"] = outcome.violations
    return tally


def _pairs(first: dict[int, Fault]) -> Tally:
    tally = Tally()
    for faults in pairs(first):
        outcome = placed(faults)
        tally.runs += 1
        tally.operations += outcome.operations
        if outcome.violations:
            tally.failures[placement_option(faults)] = outcome.violations
    return tally


def placement_option(faults: dict[int, Fault]) -> str:
    """How a placement is written on the command line: ``--place 3:dies-after,7:fails-before``."""
    return "--place " + ",".join(f"{number}:{fault.replace(' ', '-')}" for number, fault in faults.items())


def _spread(work: Callable[..., Tally], parts: Iterator[object], workers: int | None) -> Iterator[Tally]:
    """Do ``work`` on each part in processes of their own, never with more than a few parts waiting."""
    count = workers or os.cpu_count() or 1
    with ProcessPoolExecutor(count, mp_context=get_context("forkserver")) as pool:
        waiting = [pool.submit(work, part) for part in islice(parts, 4 * count)]
        while waiting:
            done = waiting.pop(0)
            yield done.result()
            waiting += [pool.submit(work, part) for part in islice(parts, 1)]
