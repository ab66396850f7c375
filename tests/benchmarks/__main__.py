"""Measure what a delivery costs, beside functions that are written by hand after Google's documentation.

Everybody gets the same requests over HTTP, on the official emulators, in turns.
"""

import argparse
import json
import sys
from dataclasses import asdict

from rich.console import Console
from rich.progress import Progress

from tests.benchmarks.bench import ASYNC, SYNC, TIDEGATE, Bench
from tests.benchmarks.figures import ratio, spread
from tests.benchmarks.scenarios import SCENARIOS
from tidegate_ops.emulators import EmulatorsMissing

out, err = Console(soft_wrap=True, highlight=False), Console(stderr=True)
_EXAMPLES = """examples:
  python -m tests.benchmarks
  python -m tests.benchmarks --scenario "one child" --scenario duplicate --runs 7
  python -m tests.benchmarks --quick --json
"""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [each.name for each in SCENARIOS]
    parser.add_argument("--scenario", action="append", choices=names, help="repeatable; all of them by default")
    parser.add_argument("--runs", type=int, default=5, help="rounds of each scenario (5)")
    parser.add_argument("--deliveries", type=int, default=1000, help="deliveries of a run (1000)")
    parser.add_argument("--json", action="store_true", help="print all runs as JSON")
    parser.add_argument("--quick", action="store_true", help="two short rounds of each")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.runs, arguments.deliveries = 2, 200
    scenarios = [each for each in SCENARIOS if arguments.scenario is None or each.name in arguments.scenario]
    with Progress(console=err, transient=True) as progress:
        task = progress.add_task("", total=len(scenarios) * arguments.runs * 3)
        with Bench(lambda text: progress.update(task, description=text)) as bench:
            found = {}
            for scenario in scenarios:
                progress.update(task, description=scenario.name)
                found[scenario.name] = bench.compare(
                    scenario, arguments.runs, arguments.deliveries, lambda: progress.advance(task)
                )
    if arguments.json:
        out.print_json(
            data={name: {k: [asdict(s) for s in v] for k, v in arms.items()} for name, arms in found.items()}
        )
        return 0
    for name, arms in found.items():
        ours = arms[TIDEGATE]
        out.print(f"[bold]{name}[/bold]")
        for label, samples in arms.items():
            cpu = spread(samples, lambda s: s.cpu_us)
            rest = [
                spread(samples, f)
                for f in (lambda s: s.per_second, lambda s: s.p50_ms, lambda s: s.p99_ms, lambda s: s.peak_mb)
            ]
            r = ratio(ours, samples, lambda s: s.cpu_us)
            out.print(
                f"  {label:16} {cpu.median:8,.0f} us ({cpu.low:,.0f}-{cpu.high:,.0f})  ours/this {r.median:.2f} ({r.low:.2f}-{r.high:.2f})  "
                + "  ".join(f"{x.median:,.1f}" if x else "-" for x in rest)
            )
    return 0


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except EmulatorsMissing as error:
        err.print(str(error))
        raise SystemExit(3) from None
