"""`tidegate doctor`."""

import asyncio
import json
from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from tidegate_ops.cli.console import complain, out, say
from tidegate_ops.cli.options import AsJson, ProjectId
from tidegate_ops.diagnosis.doctor import diagnose
from tidegate_ops.diagnosis.findings import Weight
from tidegate_ops.project import Project

_MARKS = {Weight.FINE: ("✓", "green"), Weight.NOTE: ("·", "yellow"), Weight.PROBLEM: ("✗", "red")}


def doctor(as_json: AsJson = False, project_id: ProjectId = "") -> None:
    """Look for what is wrong: on this machine, and in the local stack or the project that is named.

    On the machine that is Python, packages, Java, emulators, terraform, ports; in a project APIs, permissions,
    functions, grants; in both whether topics and subscriptions are as the topology has them. Nothing is changed.
    Exits with 1 if there is a problem.

    [bold]Examples:[/bold]

    tidegate doctor

    tidegate doctor --project my-project --json
    """
    findings = asyncio.run(diagnose(Project.find(), project_id))
    problems = sum(each.weight is Weight.PROBLEM for each in findings)
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in findings], indent=2, ensure_ascii=False))
    else:
        table = Table("", "what", "how it is", "what to do", box=None)
        for each in findings:
            mark, style = _MARKS[each.weight]
            # As texts: brackets in them are no markup.
            table.add_row(Text(mark, style), Text(each.subject), Text(each.said), Text(each.remedy))
        out.print(table, soft_wrap=False)
        if not problems:
            say("nothing is wrong", "green")
    if problems:
        complain(f"{problems} {'problem' if problems == 1 else 'problems'}")
        raise typer.Exit(1)
