"""`tidegate topology`."""

from typing import Annotated

import typer
from rich.table import Table

from tidegate.topology import Topology
from tidegate_ops.cli.console import out, say
from tidegate_ops.cli.options import AsJson
from tidegate_ops.files import write_atomically
from tidegate_ops.project import Project
from tidegate_ops.topology_file import topology_schema_text

app = typer.Typer(help="What runs, on which topic, within which limits.", no_args_is_help=True)


@app.command()
def show(as_json: AsJson = False) -> None:
    """Show each function with its topic or what it accepts, what it emits, and its limits.

    [bold]Example:[/bold]  tidegate topology show
    """
    topology = Project.find().topology()
    if as_json:
        typer.echo(topology.model_dump_json(indent=2, by_alias=True))
        return
    table = Table("function", "topic", "emits", "timeout", "attempts", "concurrency", "dependencies")
    for name, function in topology.functions.items():
        table.add_row(
            name,
            function.topic,
            ", ".join(function.emits) or "none",
            f"{function.timeout_seconds:g} s",
            "no end" if function.attempts is None else str(function.attempts),
            str(function.concurrency),
            ", ".join(function.dependencies) or "none",
        )
    out.print(table, soft_wrap=False)
    if topology.http_functions:
        out.print(_http_functions(topology), soft_wrap=False)


def _http_functions(topology: Topology) -> Table:
    table = Table("HTTP function", "accepts", "access", "timeout", "concurrency")
    for name, function in topology.http_functions.items():
        table.add_row(
            name,
            ", ".join(function.accepts) or "none",
            str(function.access),
            f"{function.timeout_seconds:g} s",
            str(function.concurrency),
        )
    return table


@app.command()
def schema(
    write: Annotated[bool, typer.Option("--write", help="Write infra/topology.schema.json instead.")] = False,
) -> None:
    """Print the JSON Schema by which editors complete and check topology.yaml.

    [bold]Examples:[/bold]

    tidegate topology schema

    tidegate topology schema --write
    """
    if not write:
        say(topology_schema_text().rstrip())
        return
    project = Project.find()
    write_atomically(project.topology_schema_path, topology_schema_text().encode())
    say(f"wrote {project.topology_schema_path.relative_to(project.root)}")
