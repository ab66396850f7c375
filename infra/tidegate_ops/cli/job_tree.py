"""`tidegate job tree`."""

from typing import Annotated

import typer

from tidegate.clock import system_clock
from tidegate_ops.cli.console import complain
from tidegate_ops.cli.job_tree_view import print_lines, print_tree
from tidegate_ops.cli.operate import operate
from tidegate_ops.cli.options import ProjectId
from tidegate_ops.job_survey import MOST_UNITS


def tree(
    job_id: Annotated[str, typer.Argument(metavar="ID", help="The job's id, as `tidegate submit` prints it.")],
    unfolded: Annotated[bool, typer.Option("--all", help="Show every unit, however many are alike.")] = False,
    depth: Annotated[
        int | None, typer.Option("--depth", metavar="N", min=1, help="Read N levels, and what failed below them.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each unit as a line of JSON.")] = False,
    project_id: ProjectId = "",
) -> None:
    """Show everything that a job caused, as a tree: who handled what, and what became of it.

    It is read from Firestore, not from the gateway. Of many units that are alike only the first are shown,
    but all that failed.

    [bold]Examples:[/bold]

    tidegate job tree ID

    tidegate job tree ID --depth 2

    tidegate job tree ID --json --project desk-prod
    """
    found = operate(lambda operations: operations.jobs.tree(job_id, system_clock(), depth=depth), project_id)
    if as_json:
        print_lines(found)
    else:
        print_tree(found, unfolded=unfolded)
    if found.cut:
        complain(f"the job has more than {MOST_UNITS:,} units of work: the rest was not read, but for what failed")
