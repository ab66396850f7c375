"""`tidegate costs`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from tidegate_ops.alternatives import alternatives
from tidegate_ops.cli.options import AsJson
from tidegate_ops.costs import Price, Usage, Workload, columns_table, costs_of, counted, load_prices, table

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
    as_json: AsJson = False,
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
        found = {each: alternatives(each) for each in events or [100 * _MILLION]}
        if as_json:
            facts = [
                {"events": each, **{name: _priced(usage, prices) for name, usage in usages.items()}}
                for each, usages in found.items()
            ]
            typer.echo(json.dumps(facts, indent=2))
            return
        for each, usages in found.items():
            columns = [(name, each, usage) for name, usage in usages.items()]
            typer.echo(columns_table(f"US dollars a month for {counted(each)} events", columns, prices), nl=False)
        return
    sizes = events or [_MILLION, 100 * _MILLION, 10_000 * _MILLION]
    workloads = [Workload(each, jobs=jobs, delayed=delayed, pure=pure, schedules=schedules) for each in sizes]
    if as_json:
        typer.echo(json.dumps([asdict(each) | _priced(each.usage(), prices) for each in workloads], indent=2))
    else:
        typer.echo(table(workloads, prices), nl=False)


def _priced(usage: Usage, prices: Mapping[str, Price]) -> dict[str, Any]:
    """What a usage costs, as JSON has it."""
    items = costs_of(usage, prices)
    return {"usd_a_month": items, "usd_together": sum(items.values())}
