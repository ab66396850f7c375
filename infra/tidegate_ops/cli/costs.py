"""`tidegate costs`."""

from typing import Annotated

import typer

from tidegate_ops.costs import Workload, load_prices, table

_MILLION = 1e6


def costs(
    events: Annotated[
        list[float] | None,
        typer.Option("--events", min=1, help="Deliveries a month; repeatable.", show_default="1e6, 1e8 and 1e10"),
    ] = None,
    jobs: Annotated[
        float, typer.Option("--jobs", metavar="SHARE", min=0, max=1, help="Of these, how many are jobs of their own.")
    ] = 0.0,
    delayed: Annotated[
        float, typer.Option("--delayed", metavar="SHARE", min=0, max=1, help="Of these, how many are published later.")
    ] = 0.0,
    schedules: Annotated[int, typer.Option("--schedules", min=0, help="How many schedules there are.")] = 0,
) -> None:
    """Estimate what an application costs a month, as a Markdown table.

    From the operations of a delivery and from list prices; docs/deploy.md says of when, and what else is assumed.

    [bold]Examples:[/bold]

    tidegate costs

    tidegate costs --events 5e7 --jobs 0.1
    """
    sizes = events or [_MILLION, 100 * _MILLION, 10_000 * _MILLION]
    workloads = [Workload(each, jobs=jobs, delayed=delayed, schedules=schedules) for each in sizes]
    typer.echo(table(workloads, load_prices()), nl=False)
