"""`tidegate status`."""

import asyncio
import json
from typing import Annotated

import typer
from rich.live import Live

from tidegate_ops.cli.console import out
from tidegate_ops.cli.operate import operate
from tidegate_ops.cli.options import AsJson, ProjectId
from tidegate_ops.cli.status_view import facts, screen
from tidegate_ops.operations import Operations


def status(
    once: Annotated[bool, typer.Option("--once", help="Show it once, instead of again and again.")] = False,
    every: Annotated[float, typer.Option("--every", min=0.5, metavar="SECONDS", help="How often to look.")] = 2.0,
    as_json: AsJson = False,
    project_id: ProjectId = "",
) -> None:
    """Show the application on one screen, live: what runs, what waits, what fails, what is cut off.

    With --json it is shown once. Where the output is no terminal, too.

    [bold]Examples:[/bold]

    tidegate status

    tidegate status --once

    tidegate status --json --project my-project
    """

    async def look(operations: Operations) -> None:
        found = await operations.overview()
        if as_json:
            typer.echo(json.dumps(facts(operations.topology, found), indent=2, ensure_ascii=False))
            return
        if once or not out.is_terminal:
            out.print(screen(operations.topology, found), soft_wrap=False)
            return
        with Live(screen(operations.topology, found), console=out, screen=True, auto_refresh=False) as live:
            while True:
                await asyncio.sleep(every)
                live.update(screen(operations.topology, await operations.overview()), refresh=True)

    operate(look, project_id)
