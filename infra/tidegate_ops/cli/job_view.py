"""How commands show a job."""

import asyncio
import json
from datetime import datetime
from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from tidegate.client import Job, JobStatus
from tidegate.jobs import JobState
from tidegate_ops.cli.console import complain, err, out


async def follow(job: Job) -> JobStatus:
    """Show a bar until the job has settled; returns it as it ended. Ctrl-C ends the waiting, not the job."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    try:
        with Progress(*columns, console=err, transient=True) as progress:
            row = progress.add_task("waiting", total=None)
            async for status in job.updates():
                known, settled = status.progress.known, status.progress.settled
                progress.update(row, description=status.state, completed=settled, total=known or None)
    except asyncio.CancelledError:
        complain(f"stopped waiting; the job goes on. To look again: tidegate job show {job.id} --watch")
        raise
    return status


def describe(status: JobStatus) -> None:
    """Print all that is known of the job, for people."""
    facts = {
        "job": status.id,
        "state": status.state,
        "topic": status.topic,
        "event": status.event_id,
        "accepted": _time(status.accepted_at),
        "settled": _time(status.settled_at),
        "progress": f"{status.progress.settled:,} of {status.progress.known:,} known units of work have settled",
    }
    if status.cancel_requested_at:
        facts["cancelled"] = f"asked for at {_time(status.cancel_requested_at)}"
    if status.result is not None:
        facts["result"] = as_text(status.result)
    grid = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        # As texts: brackets in them are no markup.
        grid.add_row(Text(name, style="dim"), Text(value))
    out.print(grid, soft_wrap=False)


def show_failures(status: JobStatus) -> None:
    """Print what was given up to stderr, if anything was."""
    if not status.failures:
        return
    table = Table("function", "event", "fault", "attempts", "reason")
    for each in status.failures:
        table.add_row(*map(Text, (each.function, each.event_id, each.fault, str(each.attempts), each.reason)))
    err.print(table, soft_wrap=False)


def print_json(value: object) -> None:
    """Print a value to stdout."""
    typer.echo(as_text(value))


def facts_of(status: JobStatus) -> dict[str, Any]:
    """A job as JSON has it."""
    return status.model_dump(mode="json")


def as_text(value: object) -> str:
    """JSON in lines; in ASCII, since a result may hold halves of characters."""
    return json.dumps(value, indent=2)


def exit_as(status: JobStatus) -> None:
    """End the command with exit code 1, and say why, unless the job succeeded."""
    if status.state is not JobState.SUCCEEDED:
        complain(f"job {status.id} {'was cancelled' if status.state is JobState.CANCELLED else status.state}")
        raise typer.Exit(1)


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "not yet"
