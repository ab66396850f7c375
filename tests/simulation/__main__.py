"""Run the simulation from the command line, or replay one run with its trace.

python -m tests.simulation --schedules 20000 --first 0
python -m tests.simulation --seed 1234
python -m tests.simulation --story job --place 3:dies-after,7:fails-before
"""

import argparse
import time

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

from tests.simulation.campaign import Tally, random_runs
from tests.simulation.faults import Fault
from tests.simulation.placements import STORIES, placed
from tests.simulation.schedule import Outcome, seeded

console = Console()


def main() -> int:
    """Returns 1 where a guarantee was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__.split("\n")[0])
    parser.add_argument("--schedules", type=int, default=20_000, help="how many seeds to run (20000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--jobs", type=int, default=None, help="processes (all processors)")
    parser.add_argument("--seed", type=int, help="replay this seed and print its trace")
    parser.add_argument("--place", type=_placement, help="replay these faults, such as 3:dies-after,7:fails-before")
    parser.add_argument("--story", choices=STORIES, default="flight", help="what --place is about (flight)")
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return _show(seeded(arguments.seed, traced=True))
    if arguments.place is not None:
        return _show(placed(arguments.story, arguments.place, traced=True))
    return _run(range(arguments.first, arguments.first + arguments.schedules), arguments.jobs)


def _run(seeds: range, jobs: int | None) -> int:
    tally, started = Tally(), time.monotonic()
    with Progress(*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()) as progress:
        task = progress.add_task("schedules", total=len(seeds))
        for part in random_runs(seeds, jobs):
            tally.add(part)
            progress.advance(task, part.runs)
    for option, violations in sorted(tally.failures.items()):
        console.print(f"[red]✗[/red] {violations[0]}\n  replay: python -m tests.simulation {option}", highlight=False)
    console.print(
        f"{tally.runs:,} schedules (seeds {seeds.start:,} to {seeds.stop - 1:,}), {tally.operations:,} operations, "
        f"{time.monotonic() - started:,.0f} s: {len(tally.failures)} violations",
        highlight=False,
        soft_wrap=True,
    )
    return 1 if tally.failures else 0


def _show(outcome: Outcome) -> int:
    for line in outcome.trace:
        console.print(line, highlight=False, markup=False)
    for violation in outcome.violations:
        console.print(f"[red]✗[/red] {violation}", highlight=False)
    if not outcome.violations:
        console.print(
            f"[green]✓[/green] every guarantee held, in {len(outcome.operations)} operations", highlight=False
        )
    return 1 if outcome.violations else 0


def _placement(text: str) -> dict[int, Fault]:
    try:
        parts = [part.split(":") for part in text.split(",")]
        return {int(number): Fault(fault.replace("-", " ")) for number, fault in parts}
    except ValueError as error:
        names = ", ".join(fault.replace(" ", "-") for fault in Fault)
        raise argparse.ArgumentTypeError(f"{error}; write NUMBER:FAULT[,…] with a FAULT of {names}") from None


if __name__ == "__main__":
    raise SystemExit(main())
