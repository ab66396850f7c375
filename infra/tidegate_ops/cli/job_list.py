"""`tidegate job list`."""

import json
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tidegate.clock import system_clock
from tidegate.errors import ConfigurationError
from tidegate.events import timestamp
from tidegate.jobs import Job, JobState
from tidegate_ops.cli import completion
from tidegate_ops.cli.console import complain, out, say
from tidegate_ops.cli.operate import operate
from tidegate_ops.cli.options import AsJson, ProjectId
from tidegate_ops.job_list import JobList, ListedJobs
from tidegate_ops.operations import Operations
from tidegate_ops.topology_faults import suggest


def list_jobs(
    topic: Annotated[
        str, typer.Option("--topic", help="Only jobs of this topic.", autocompletion=completion.topics)
    ] = "",
    state: Annotated[JobState | None, typer.Option("--state", help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="The newest of them, at most.")] = 20,
    as_json: AsJson = False,
    project_id: ProjectId = "",
) -> None:
    """Show the jobs of the last seven days, the newest first.

    They are read from Firestore, not from the gateway.

    [bold]Examples:[/bold]

    tidegate job list --state running

    tidegate job list --topic manifest.received --json
    """

    async def read(operations: Operations) -> ListedJobs:
        jobs = JobList(operations.connections.firestore, operations.topology)
        if topic and topic not in jobs.topics:
            raise ConfigurationError(f"no job is of the topic {topic!r}: {suggest(topic, jobs.topics)}")
        return await jobs.newest(system_clock(), topic=topic, state=state, most=limit)

    found = operate(read, project_id)
    if as_json:
        typer.echo(json.dumps(list(map(_facts, found.jobs)), indent=2))
    elif not found.jobs:
        say(f"no such job since {found.since:%Y-%m-%d}")
    else:
        table = Table("job", "state", "topic", "accepted", "settled")
        for each in found.jobs:
            facts = _facts(each)
            # As texts: brackets in them are no markup.
            table.add_row(*(Text(str(value or "")) for value in facts.values()))
        out.print(table, soft_wrap=False)
    if found.cut:
        complain("there are more; --topic, --state and --limit choose others")


def _facts(job: Job) -> dict[str, Any]:
    """A job as JSON has it."""
    return {
        "id": job.id,
        "state": job.state,
        "topic": job.topic,
        "accepted_at": timestamp(job.accepted_at),
        "settled_at": timestamp(job.settled_at) if job.settled_at else None,
    }
