"""`tidegate demo`."""

from pathlib import Path
from typing import Annotated

import typer

from tidegate.client.errors import GatewayUnavailable, RequestRefused
from tidegate.errors import PublishFailed
from tidegate_ops.cli.console import complain, err, out, say
from tidegate_ops.cli.stop_signals import stop_signals
from tidegate_ops.demo.display import open_display
from tidegate_ops.demo.progress import Stalled
from tidegate_ops.demo.run import SAMPLE, Plan, Run
from tidegate_ops.demo.summary import conclusion, tables
from tidegate_ops.demo.world import Engine, choose
from tidegate_ops.emulators import EmulatorsMissing
from tidegate_ops.files import write_atomically
from tidegate_ops.project import Project

_MISSING_EXIT = 3
_INTERRUPTED_EXIT = 130


def demo(
    engine: Annotated[
        Engine, typer.Option(help="The official emulators, this process (embedded), or whichever is there.")
    ] = Engine.AUTO,
    manifest: Annotated[
        Path,
        typer.Option(metavar="FILE", help="A day's flights as CSV.", show_default="the blizzard of 2013-02-08"),
    ] = SAMPLE,
    seed: Annotated[
        int, typer.Option(help="Decides which rows are malformed, which messages come twice, which calls fail.")
    ] = 1,
    duplicates: Annotated[
        float, typer.Option(min=0, max=1, help="Share of all messages that is published twice.")
    ] = 0.1,
    malformed: Annotated[int, typer.Option(min=0, max=999, help="Malformed rows to add.")] = 12,
    failure_rate: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of the partner's calls that fails, before or after booking.")
    ] = 0.05,
    partner_ignores_idempotency: Annotated[
        bool, typer.Option("--partner-ignores-idempotency", help="Prove that the checks can fail: it books twice.")
    ] = False,
) -> None:
    """Run a day at the flight operations desk, faults included, and hold every effect against the truth.

    The day is submitted to the gateway as one job, twice on purpose, and followed until it has settled.
    The truth is computed from the CSV file alone. Exits with 1 if anything differs from it; the
    figures are kept in build/run.json.

    [bold]Examples:[/bold]

    tidegate demo

    tidegate demo --engine embedded --duplicates 0.5

    tidegate demo --manifest my-day.csv --seed 7
    """
    project = Project.find()
    try:
        chosen, why = choose(engine)
    except EmulatorsMissing as error:
        complain(str(error))
        raise typer.Exit(_MISSING_EXIT) from None
    plan = Plan(
        flights=manifest,
        seed=seed,
        malformed=malformed,
        duplicates=duplicates,
        failure_rate=failure_rate,
        partner_ignores_idempotency=partner_ignores_idempotency,
    )
    report = project.build_dir / "run.json"
    report.unlink(missing_ok=True)  # a run that does not finish must not leave the figures of another
    with stop_signals():
        try:
            with open_display(err) as display:
                display.say(f"engine: {chosen}; {why}")
                outcome = Run(project, plan, display).on(chosen)
        except KeyboardInterrupt:
            err.print("interrupted; nothing is left running")
            raise typer.Exit(_INTERRUPTED_EXIT) from None
        except (Stalled, PublishFailed, GatewayUnavailable, RequestRefused) as error:
            complain(str(error))
            raise typer.Exit(1) from None
    write_atomically(report, outcome.model_dump_json(indent=2).encode())
    for table in tables(outcome):
        out.print(table, soft_wrap=False)
    if not outcome.exact:
        complain(conclusion(outcome))
        raise typer.Exit(1)
    say(conclusion(outcome), "green")
    say(f"figures: {report.relative_to(project.root)}")
