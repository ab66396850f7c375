"""`tidegate logs`."""

import json
from typing import Annotated, Any

import typer

from tidegate.clock import system_clock
from tidegate.errors import ConfigurationError
from tidegate.events import timestamp
from tidegate.verdicts import Verdict
from tidegate_ops.cli import completion
from tidegate_ops.cli.console import err, out
from tidegate_ops.cli.operate import operate
from tidegate_ops.cli.options import AsJson, ProjectId
from tidegate_ops.cli.since import Since, moment
from tidegate_ops.insight.lines import Line, Query, follow
from tidegate_ops.log_line import render
from tidegate_ops.operations import Operations
from tidegate_ops.topology_faults import suggest


def logs(
    function: Annotated[
        str, typer.Argument(help="Only this function's lines.", autocompletion=completion.deployed)
    ] = "",
    event: Annotated[str, typer.Option("--event", metavar="ID", help="Only what is about this event.")] = "",
    trace: Annotated[str, typer.Option("--trace", metavar="ID", help="Only what belongs to this trace.")] = "",
    verdict: Annotated[Verdict | None, typer.Option("--verdict", help="Only deliveries that ended so.")] = None,
    since: Since = "1h",
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="The latest of them, at most.")] = 100,
    following: Annotated[bool, typer.Option("--follow", "-f", help="And each that comes, until Ctrl-C.")] = False,
    as_json: AsJson = False,
    project_id: ProjectId = "",
) -> None:
    """Show what functions wrote: the line that each delivery ends in, and what handlers logged.

    The local stack keeps the last 32 MiB of them.

    [bold]Examples:[/bold]

    tidegate logs rebook_passengers --verdict retry --since 10m

    tidegate logs --event ID --json

    tidegate logs --follow
    """
    wanted = Query(function, event, trace, verdict, since=moment(since, system_clock()), limit=limit)
    show = _print_json if as_json else _print

    async def read(operations: Operations) -> int:
        known = operations.topology.deployed
        if function and function not in known:
            raise ConfigurationError(f"{function!r} is no function in the topology: {suggest(function, known)}")
        if following:
            async for line in follow(operations.lines, wanted):
                show(line)
        found = await operations.lines.recent(wanted)
        for line in found:
            show(line)
        return len(found)

    if not operate(read, project_id) and not as_json:
        err.print(f"nothing since {timestamp(wanted.since or system_clock())} fits", markup=False)


def _print(line: Line) -> None:
    out.print(f"{line.at:%H:%M:%S} ", style="dim", end="")
    out.print(render(line.component, line.text))


def _print_json(line: Line) -> None:
    typer.echo(json.dumps(facts_of(line)))


def facts_of(line: Line) -> dict[str, Any]:
    """A line as JSON has it."""
    said = {"fields": dict(line.fields)} if line.fields else {"text": line.text}
    return {"at": timestamp(line.at), "component": line.component, **said}
