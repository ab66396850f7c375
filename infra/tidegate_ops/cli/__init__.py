"""The command line, `tidegate`. Each command is thin: it calls a service module and shows the result."""

from importlib.metadata import version
from typing import Annotated

import typer

from tidegate.errors import TidegateError
from tidegate_ops.cli import (
    bundle,
    check,
    contracts,
    costs,
    dead,
    demo,
    doctor,
    experiment,
    job,
    keys,
    logs,
    new,
    pauses,
    publish,
    smoke,
    status,
    submit,
    topology,
    trace,
    up,
    web_console,
)
from tidegate_ops.cli.console import complain, say

app = typer.Typer(
    name="tidegate",
    help="Asynchronous applications on Google Cloud Pub/Sub that do every effect exactly once.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("up")(up.up)
app.command("console")(web_console.console)
app.command("publish")(publish.publish)
app.command("submit")(submit.submit)
app.command("smoke")(smoke.smoke)
app.command("check")(check.check)
app.command("doctor")(doctor.doctor)
app.command("bundle")(bundle.bundle)
app.command("costs")(costs.costs)
app.command("status")(status.status)
app.command("logs")(logs.logs)
app.command("trace")(trace.trace)
app.command("pause")(pauses.pause)
app.command("resume")(pauses.resume)
app.command("drain")(pauses.drain)
app.command("pauses")(pauses.pauses)
app.add_typer(experiment.app, name="experiment")
app.add_typer(new.app, name="new")
app.add_typer(job.app, name="job")
app.add_typer(dead.app, name="dead")
app.add_typer(keys.app, name="keys")
app.add_typer(contracts.app, name="contracts")
app.add_typer(topology.app, name="topology")


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"tidegate {version('tidegate')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; every expected failure is one message and exit code 2, never a traceback."""
    try:
        app()
    except TidegateError as error:
        complain(f"error: {error}")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
