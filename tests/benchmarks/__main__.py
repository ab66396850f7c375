"""Measure what a delivery costs, beside functions that are written by hand after Google's documentation.

Everybody gets the same requests over HTTP, on the official emulators, in turns. All of it takes about
five minutes. docs/performance.md says how to read the figures.
"""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime

from rich.console import Console

from tests.benchmarks.course import PARTS, Course, Findings, Plan
from tests.benchmarks.tables import tables
from tidegate.errors import TidegateError
from tidegate_ops.cli.stop_signals import stop_signals
from tidegate_ops.demo.display import open_display
from tidegate_ops.emulators import EmulatorsMissing

out, err = Console(soft_wrap=True, highlight=False), Console(stderr=True, highlight=False)
QUICK = Plan(runs=1, deliveries=60, warm_up=30, counted=20, records=(0, 1_000), widths=(10, 100), in_flight=(10,))
_MISSING_EXIT = 3
_INTERRUPTED_EXIT = 130
_EXAMPLES = """examples:
  python -m tests.benchmarks
  python -m tests.benchmarks --scenario "one child" --scenario duplicate --runs 7 --deliveries 1000
  python -m tests.benchmarks --quick --json
  python -m tests.benchmarks --markdown > tables.md
"""


def main() -> int:
    """Returns 3 where something is not installed, 1 where something was not done as it was asked for."""
    arguments = parser().parse_args()
    plan = QUICK if arguments.quick else Plan()
    wanted = {"parts": arguments.scenario, "runs": arguments.runs, "deliveries": arguments.deliveries}
    plan = replace(plan, **{name: value for name, value in wanted.items() if value is not None})
    try:
        with stop_signals(), open_display(err) as display:
            found = Course(plan, display).run()
    except EmulatorsMissing as error:
        err.print(str(error), markup=False)
        return _MISSING_EXIT
    except TidegateError as error:
        err.print(str(error), markup=False)
        return 1
    except KeyboardInterrupt:
        err.print("interrupted; nothing is left running")
        return _INTERRUPTED_EXIT
    if arguments.json:
        sys.stdout.write(json.dumps(asdict(found), indent=2) + "\n")
    elif arguments.markdown:
        sys.stdout.write("\n".join([_circumstances(plan), *(table.markdown() for table in tables(found))]))
    else:
        _show(found)
    return 0


def _circumstances(plan: Plan) -> str:
    when, machine = (
        f"{datetime.now(UTC):%d %B %Y}",
        f"{os.cpu_count()} processors and Python {platform.python_version()}",
    )
    return f"Measured on {when} with {machine}: {plan.runs} rounds of {plan.deliveries} deliveries.\n"


def _show(found: Findings) -> None:
    for table in tables(found):
        out.print(table.rich(), soft_wrap=False)
    if found.absent:
        err.print(f"Dramatiq was not measured: {found.absent}", markup=False)


def parser() -> argparse.ArgumentParser:
    """What may be asked for."""
    known = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    known.add_argument("--scenario", action="append", choices=PARTS, help="what to measure; repeatable (everything)")
    known.add_argument("--runs", type=_positive, help=f"rounds of each ({Plan().runs})")
    known.add_argument("--deliveries", type=_positive, help=f"deliveries of a run ({Plan().deliveries})")
    known.add_argument("--quick", action="store_true", help="one short round of each, in less than a minute")
    form = known.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print every run as JSON")
    form.add_argument("--markdown", action="store_true", help="print the tables as they stand in docs/performance.md")
    return known


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


if __name__ == "__main__":
    raise SystemExit(main())
