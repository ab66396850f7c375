"""`tidegate costs`."""

from typing import Annotated

import typer

from tidegate_ops.alternatives import alternatives
from tidegate_ops.costs import Workload, columns_table, counted, load_prices, table

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
    pure: Annotated[
        float, typer.Option("--pure", metavar="SHARE", min=0, max=1, help="Of these, how many pure functions handle.")
    ] = 0.0,
    schedules: Annotated[int, typer.Option("--schedules", min=0, help="How many schedules there are.")] = 0,
    beside: Annotated[
        bool, typer.Option("--beside", help="Beside what else could handle 1e8 events, or those of --events.")
    ] = False,
) -> None:
    """Estimate what an application costs a month, as a Markdown table.

    From the operations of a delivery and from list prices; docs/deploy.md says of when, and what else is assumed.

    [bold]Examples:[/bold]

    tidegate costs

    tidegate costs --events 5e7 --jobs 0.1

    tidegate costs --beside
    """
    prices = load_prices()
    if beside:
        if jobs or delayed or pure or schedules:
            raise typer.BadParameter("compares plain events: give it no more than --events", param_hint="--beside")
        for each in events or [100 * _MILLION]:
            columns = [(name, each, usage) for name, usage in alternatives(each).items()]
            typer.echo(columns_table(f"US dollars a month for {counted(each)} events", columns, prices), nl=False)
        return
    sizes = events or [_MILLION, 100 * _MILLION, 10_000 * _MILLION]
    workloads = [Workload(each, jobs=jobs, delayed=delayed, pure=pure, schedules=schedules) for each in sizes]
    typer.echo(table(workloads, prices), nl=False)
