"""Many runs on all processors."""

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import count, islice
from multiprocessing import get_context

from tests.simulation.faults import Fault
from tests.simulation.placements import drawn_pairs, pairs, placed
from tests.simulation.schedule import Outcome, seeded

_CHUNK = 50
# Python's own collector is off: within a run next to nothing can be freed, and looking takes a tenth of the time.
_COLLECTED_AFTER = 5  # runs
_made = count(1)  # in this process


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

    @property
    def verdict(self) -> str:
        """What to read, and what to type, where a guarantee was broken."""
        return "\n".join(
            f"{violations[0]}\n  replay: python -m tests.simulation {option}"
            for option, violations in sorted(self.failures.items())[:5]
        )


def random_runs(seeds: range, workers: int | None = None) -> Iterator[Tally]:
    """Run every seed; yields a tally for each chunk that is done."""
    chunks = (seeds[start : start + _CHUNK] for start in range(0, len(seeds), _CHUNK))
    yield from _spread(_seeds, chunks, workers)


def placements_of(story: str, faults: Iterable[dict[int, Fault]], workers: int | None = None) -> Iterator[Tally]:
    """Run a story under each placement."""
    yield from _spread(_placed, ((story, each) for each in faults), workers)


def pairs_of(
    story: str, firsts: Iterable[dict[int, Fault]], most: int | None = None, workers: int | None = None
) -> Iterator[Tally]:
    """Run every pair that begins with one of ``firsts``, or at most so many of each; a tally for each first fault."""
    yield from _spread(_pairs, ((story, each, most) for each in firsts), workers)


def _seeds(seeds: range) -> Tally:
    tally = Tally()
    for seed in seeds:
        _count(tally, f"--seed {seed}", seeded(seed))
    return tally


def _placed(part: tuple[str, dict[int, Fault]]) -> Tally:
    story, faults = part
    tally = Tally()
    _run(tally, story, faults)
    return tally


def _pairs(part: tuple[str, dict[int, Fault], int | None]) -> Tally:
    story, first, most = part
    tally = Tally()
    for faults in pairs(story, first) if most is None else drawn_pairs(story, first, most):
        _run(tally, story, faults)
    return tally


def _run(tally: Tally, story: str, faults: dict[int, Fault]) -> None:
    _count(tally, placement_option(story, faults), placed(story, faults))


def _count(tally: Tally, option: str, outcome: Outcome) -> None:
    tally.runs += 1
    tally.operations += len(outcome.operations)
    if outcome.violations:
        tally.failures[option] = outcome.violations
    if next(_made) % _COLLECTED_AFTER == 0:
        _collect_garbage()


def placement_option(story: str, faults: dict[int, Fault]) -> str:
    """How a placement is written on the command line: ``--story job --place 3:dies-after,7:fails-before``."""
    places = ",".join(f"{number}:{fault.replace(' ', '-')}" for number, fault in faults.items())
    return f"--story {story} --place {places}"


def _collect_garbage() -> None:
    """What outlives a run, such as modules, is not looked at again."""
    gc.collect()
    gc.freeze()


def _spread(work: Callable[..., Tally], parts: Iterator[object], workers: int | None) -> Iterator[Tally]:
    """Do ``work`` on each part in processes of their own, never with more than a few parts waiting."""
    processes = workers or os.cpu_count() or 1
    with ProcessPoolExecutor(processes, get_context("forkserver"), gc.disable) as pool:
        waiting = [pool.submit(work, part) for part in islice(parts, 4 * processes)]
        while waiting:
            done = waiting.pop(0)
            yield done.result()
            waiting += [pool.submit(work, part) for part in islice(parts, 1)]
