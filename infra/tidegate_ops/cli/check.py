"""`tidegate check`."""

import json
from dataclasses import asdict

import typer

from tidegate_ops import checks
from tidegate_ops.cli.console import complain, say
from tidegate_ops.cli.options import AsJson
from tidegate_ops.project import Project


def check(as_json: AsJson = False) -> None:
    """Hold topology, contracts and handlers against each other.

    Exits with 1 if anything is inconsistent. Nothing is started and nothing is changed.

    [bold]Example:[/bold]  tidegate check
    """
    project = Project.find()
    findings = checks.check(project)
    if as_json:
        typer.echo(json.dumps(list(map(asdict, findings)), indent=2, ensure_ascii=False))
        raise typer.Exit(bool(findings))
    for finding in findings:
        complain(str(finding))
    topology = project.topology()
    checked = f"{len(topology.deployed)} functions, {len(topology.topics)} topics, {len(topology.schedules)} schedules"
    if findings:
        complain(f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'} in {checked}")
        raise typer.Exit(1)
    say(f"{checked}: topology, contracts, handlers, folders and imports agree", "green")
