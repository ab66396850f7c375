"""`tidegate new`."""

from typing import Annotated

import typer

from tidegate_ops import scaffold
from tidegate_ops.cli import completion
from tidegate_ops.cli.console import say
from tidegate_ops.cli.options import DryRun
from tidegate_ops.project import Project

app = typer.Typer(
    help="Functions and topics, made so that `make check` and their tests pass at once.", no_args_is_help=True
)


@app.command()
def function(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, such as rebook_passengers.")],
    on: Annotated[
        str,
        typer.Option(
            "--on", metavar="TOPIC", help="The topic it consumes, which is there.", autocompletion=completion.topics
        ),
    ],
    emits: Annotated[
        list[str] | None,
        typer.Option(
            "--emits",
            metavar="TOPIC",
            help="A topic it emits, made where it is new; repeatable.",
            autocompletion=completion.topics,
        ),
    ] = None,
    ordered: Annotated[bool, typer.Option("--ordered", help="Keep the order of events of one ordering key.")] = False,
    depends_on: Annotated[
        list[str] | None,
        typer.Option("--depends-on", metavar="DEPENDENCY", help="A dependency of the topology; repeatable."),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Make a function: its folder, its entry in the topology, contracts of what is new, and a test.

    All of it or, where anything is in the way, nothing. No file is overwritten.

    [bold]Examples:[/bold]

    tidegate new function write_notice --on passengers.rebooked --emits notice.written

    tidegate new function pay_refund --on flight.cancelled --depends-on rebooking-api --dry-run
    """
    change = scaffold.new_function(
        Project.find(), name, on=on, emits=emits or (), ordered=ordered, dependencies=depends_on or ()
    )
    _make(change, dry_run=dry_run)


@app.command()
def topic(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, and its events' type: flight.reported.")],
    description: Annotated[str, typer.Option("--description", metavar="TEXT", help="What its events say.")] = "",
    dry_run: DryRun = False,
) -> None:
    """Make a topic: its entry in the topology, its contract, and the contract's schema.

    [bold]Examples:[/bold]

    tidegate new topic order.placed --description "A customer ordered something."

    tidegate new topic order.placed --dry-run
    """
    _make(scaffold.new_topic(Project.find(), name, description), dry_run=dry_run)


def _make(change: scaffold.Change, *, dry_run: bool) -> None:
    if not dry_run:
        change.apply()
    created, edited = ("would create", "would edit") if dry_run else ("created", "edited")
    for path in change.created:
        say(f"{created} {path.relative_to(change.project.root)}")
    for path in change.edited:
        say(f"{edited} {path.relative_to(change.project.root)}")
    if not dry_run:
        say("next:")
        for step in change.next_steps:
            say(f"  {step}")
