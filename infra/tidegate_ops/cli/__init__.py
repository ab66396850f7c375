"""The command line, `tidegate`. Each command is thin: it calls a service module and shows the result."""

from importlib.metadata import version
from typing import Annotated

import typer

from tidegate.errors import TidegateError
from tidegate_ops.cli.commands import Commands
from tidegate_ops.cli.console import complain, say

app = typer.Typer(
    name="tidegate",
    cls=Commands,
    help="Asynchronous applications on Google Cloud Pub/Sub in which each event takes effect once.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


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
