"""`tidegate experiment`."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Protocol, TypeVar

import typer
from rich.table import Table

from tidegate.errors import PublishFailed
from tidegate_ops.cli.console import complain, err, out, say
from tidegate_ops.cli.options import AsJson
from tidegate_ops.cli.stop_signals import stop_signals
from tidegate_ops.demo.display import Display, open_display
from tidegate_ops.emulators import EmulatorsMissing
from tidegate_ops.experiments import flood as flooding
from tidegate_ops.experiments import outage as outages
from tidegate_ops.experiments.bench import Stalled
from tidegate_ops.experiments.tables import claims_table, flood_curves, flood_table, outage_curves, outage_table
from tidegate_ops.project import Project

_MISSING_EXIT = 3
_INTERRUPTED_EXIT = 130

app = typer.Typer(no_args_is_help=True, help="Measure the application under an outage or a flood.")


class Findings(Protocol):
    """What an experiment found."""

    def claims(self) -> dict[str, bool]:
        """Promise → whether it was kept."""
        ...

    def model_dump_json(self, *, indent: int) -> str:
        """All of it as JSON."""
        ...


F = TypeVar("F", bound=Findings)


@app.command()
def outage(
    seconds: Annotated[float, typer.Option(min=3, help="How long the partner is down.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Take the rebooking partner down in the middle of a run, with its breaker and without one.

    The application is the project's own, on the official emulators; only the breaker opens sooner and for a shorter
    time. Exits with 1 if the breaker did not keep what it promises. Takes some eight minutes.

    [bold]Examples:[/bold]

    tidegate experiment outage

    tidegate experiment outage --seconds 6
    """
    found = _run(lambda project, display: outages.run(project, outages.Plan(seconds), display))
    _show(found, outage_table, outage_curves, as_json=as_json)


@app.command()
def flood(
    seconds: Annotated[float, typer.Option(min=3, help="How long the flood lasts.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Send the gateway five times as much as can be done.

    The application is the project's own, on the official emulators, with a partner that is slow and limits at the
    front door that the flood reaches. Exits with 1 if something grew, or was refused or lost without a word.

    [bold]Examples:[/bold]

    tidegate experiment flood

    tidegate experiment flood --seconds 10 --json
    """
    found = _run(lambda project, display: flooding.run(project, seconds, display))
    _show(found, flood_table, flood_curves, as_json=as_json)


def _run(experiment: Callable[[Project, Display], F]) -> F:
    project = Project.find()
    with stop_signals():
        try:
            with open_display(err) as display:
                return experiment(project, display)
        except EmulatorsMissing as error:
            complain(str(error))
            raise typer.Exit(_MISSING_EXIT) from None
        except KeyboardInterrupt:
            err.print("interrupted; nothing is left running")
            raise typer.Exit(_INTERRUPTED_EXIT) from None
        except (Stalled, PublishFailed) as error:
            complain(str(error))
            raise typer.Exit(1) from None


def _show(found: F, table: Callable[[F], Table], curves: Callable[[F], Iterator[str]], *, as_json: bool) -> None:
    claims: Mapping[str, bool] = found.claims()
    if as_json:
        say(found.model_dump_json(indent=2))
    else:
        for line in curves(found):
            out.print(line, markup=False, no_wrap=True)
        out.print(table(found), soft_wrap=False)
        out.print(claims_table(claims), soft_wrap=False)
    if not all(claims.values()):
        complain("not kept: " + "; ".join(promise for promise, kept in claims.items() if not kept))
        raise typer.Exit(1)
