"""`tidegate job`."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from tidegate.client import Client, Job, JobStatus
from tidegate.jobs import JobState
from tidegate_ops.cli import job_list, job_tree
from tidegate_ops.cli.console import say
from tidegate_ops.cli.gateway_client import ApiKey, Token, Url, open_client, run
from tidegate_ops.cli.job_view import describe, exit_as, facts_of, follow, print_json, show_failures
from tidegate_ops.cli.options import AsJson, DryRun

app = typer.Typer(help="Work that was accepted at the gateway: look, follow, cancel.", no_args_is_help=True)
app.command("list")(job_list.list_jobs)
app.command("tree")(job_tree.tree)

JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id, as `tidegate submit` prints it.")]


@app.command()
def show(
    job_id: JobId,
    watch: Annotated[
        bool, typer.Option("--watch", help="Wait until it has settled; exit code 1 unless it succeeded.")
    ] = False,
    url: Url = "",
    api_key: ApiKey = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Show how far a job is, what came of it, and what was given up.

    [bold]Examples:[/bold]

    tidegate job show ID

    tidegate job show ID --watch --json
    """
    status = _ask(open_client(url, api_key, token), job_id, follow if watch else Job.status)
    if as_json:
        print_json(facts_of(status))
    else:
        describe(status)
        show_failures(status)
    if watch:
        exit_as(status)


@app.command()
def cancel(
    job_id: JobId,
    dry_run: DryRun = False,
    url: Url = "",
    api_key: ApiKey = "",
    token: Token = "",
) -> None:
    """Ask for a job's early end: what has not started is left out, what runs is not interrupted.

    [bold]Example:[/bold]  tidegate job cancel ID --dry-run
    """
    status = _ask(open_client(url, api_key, token), job_id, Job.status if dry_run else Job.cancel)
    progress = f"{status.progress.settled:,} of {status.progress.known:,} known units of work have settled"
    if status.settled:
        say(f"job {status.id} has {'been ' if status.state is JobState.CANCELLED else ''}{status.state}: it stays so")
    elif dry_run:
        say(f"would cancel job {status.id}, of which {progress}; nothing was changed")
    else:
        say(f"job {status.id} is being cancelled; {progress}")


def _ask(client: Client, job_id: str, question: Callable[[Job], Awaitable[JobStatus]]) -> JobStatus:
    async def ask() -> JobStatus:
        async with client:
            return await question(client.job(job_id))

    return run(ask())
