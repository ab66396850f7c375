"""`tidegate check`."""

import typer

from tidegate_ops import checks
from tidegate_ops.cli.console import complain, say
from tidegate_ops.project import Project


def check() -> None:
    """Hold topology, contracts and handlers against each other.

    Exits with 1 if anything is inconsistent. Nothing is started and nothing is changed.

    [bold]Example:[/bold]  tidegate check
    """
    project = Project.find()
    findings = checks.check(project)
    for finding in findings:
        complain(str(finding))
    topology = project.topology()
    checked = f"{len(topology.deployed)} functions, {len(topology.topics)} topics, {len(topology.schedules)} schedules"
    if findings:
        complain(f"{len(findings)} {'finding' if len(findings) == 1 else 'findings'} in {checked}")
        raise typer.Exit(1)
    say(f"{checked}: topology, contracts, handlers, folders and imports agree", "green")
