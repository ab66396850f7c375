"""`tidegate contracts`."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from tidegate_ops import schemas
from tidegate_ops.cli.console import complain, out, say
from tidegate_ops.cli.options import AsJson, DryRun
from tidegate_ops.project import Project

app = typer.Typer(help="Event contracts and their exported JSON Schemas.", no_args_is_help=True)


@app.command()
def check(
    against: Annotated[
        str,
        typer.Option(
            metavar="REV|FILE.json",
            help="Compare with a git revision, or with what `contracts schemas` wrote, instead of the exported files.",
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Find changes that consumers or events in flight could not cope with.

    Exits with 1 on any of them, and when the exported files are not up to date.

    [bold]Examples:[/bold]

    tidegate contracts check

    tidegate contracts check --against origin/main

    tidegate contracts check --against deployed.json
    """
    project = Project.find()
    code, exported = schemas.in_code(project), schemas.committed(project)
    baseline = _baseline(project, against) if against else exported
    breaking = schemas.compare(baseline, code).breaking
    stale = {name for name in {*code, *exported} if code.get(name) != exported.get(name)}
    if as_json:
        typer.echo(json.dumps({"contracts": len(code), "breaking": breaking, "not_exported": sorted(stale)}, indent=2))
        raise typer.Exit(bool(breaking or stale))
    for line in breaking:
        complain(line)
    if stale and not breaking:
        complain(f"not exported as the code has it: {', '.join(sorted(stale))}; run tidegate contracts export")
    if breaking or stale:
        raise typer.Exit(1)
    say(f"{len(code)} contracts: compatible with {against or 'the exported schemas'}, and exported", "green")


@app.command()
def export(
    allow_breaking: Annotated[
        bool, typer.Option("--allow-breaking", help="Overwrite also what consumers could not cope with.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Write each contract's JSON Schema to infra/contracts/schemas.

    Refuses a breaking change of an exported version, unless nobody uses that version yet and
    you say so.

    [bold]Examples:[/bold]

    tidegate contracts export

    tidegate contracts export --allow-breaking
    """
    project = Project.find()
    code = schemas.in_code(project)
    breaking = schemas.compare(schemas.committed(project), code).breaking
    for line in breaking:
        complain(line)
    if breaking and not allow_breaking:
        complain("nothing written; --allow-breaking overwrites a version that nobody uses yet")
        raise typer.Exit(1)
    touched = schemas.export(project, dry_run=dry_run)
    wrote, removed = ("would write", "would remove") if dry_run else ("wrote", "removed")
    for path in touched:
        say(f"{wrote if path.name in code else removed} {path.relative_to(project.root)}")
    if not touched:
        say("every schema is up to date", "green")


@app.command("schemas")
def print_schemas() -> None:
    """Print every contract's JSON Schema, by the name of its file, as one JSON object.

    Kept when a version is deployed, it is what the next one is checked against.

    [bold]Example:[/bold]  tidegate contracts schemas > deployed.json
    """
    typer.echo(schemas.catalogue_text(schemas.in_code(Project.find())), nl=False)


@app.command("list")
def list_contracts(as_json: AsJson = False) -> None:
    """Show every contract with its version, fields and who consumes it.

    [bold]Example:[/bold]  tidegate contracts list
    """
    project = Project.find()
    functions = project.topology().functions
    facts: list[dict[str, Any]] = [
        {
            "type": contract.event_type,
            "version": contract.event_version,
            "fields": list(contract.model_fields),
            "consumed_by": [name for name, function in functions.items() if function.topic == contract.event_type],
        }
        for contract in schemas.load_contracts(project)
    ]
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    table = Table("type", "version", "fields", "consumed by")
    for each in facts:
        consumers = ", ".join(each["consumed_by"]) or "none"
        table.add_row(each["type"], str(each["version"]), ", ".join(each["fields"]), consumers)
    out.print(table, soft_wrap=False)


def _baseline(project: Project, against: str) -> schemas.Catalogue:
    """The schemas of a file, which a name with .json at its end is, or of a git revision."""
    return schemas.filed(Path(against)) if against.endswith(".json") else schemas.committed(project, against)
