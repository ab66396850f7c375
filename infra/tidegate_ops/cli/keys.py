"""`tidegate keys`."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from tidegate.clock import system_clock
from tidegate.errors import ConfigurationError
from tidegate.events import timestamp
from tidegate_ops.cli.console import err, out, say
from tidegate_ops.cli.operate import operate
from tidegate_ops.cli.options import AsJson, DryRun, ProjectId
from tidegate_ops.key_file import FiledKey, KeyFile

T = TypeVar("T")

_ID_DIGITS = 12

app = typer.Typer(help="Keys for callers of a gateway whose access is `api_keys`.", no_args_is_help=True)


@app.command()
def add(
    principal: Annotated[str, typer.Argument(help="Who holds the key: jobs are there for whoever submitted them.")],
    expires_in: Annotated[
        int | None, typer.Option("--expires-in", metavar="DAYS", min=1, help="By default the key does not expire.")
    ] = None,
    dry_run: DryRun = False,
    project_id: ProjectId = "",
) -> None:
    """Make a key and print it, alone on standard output: this once, since only its hash is kept.

    [bold]Examples:[/bold]

    tidegate keys add ann@desk.example --expires-in 90

    tidegate keys add manifest-loader > key.txt
    """
    if not principal.strip():
        raise ConfigurationError("the principal is empty: write who holds the key, such as an e-mail address")
    now = system_clock()
    expires_at = now + timedelta(days=expires_in) if expires_in else None
    held = f"for {principal}, which {f'expires at {_time(expires_at)}' if expires_at else 'does not expire'}"
    if dry_run:
        _note(f"would make a key {held}; nothing was changed")
        return
    key = _ask(lambda file: file.add(principal, now, expires_at), project_id)
    typer.echo(key)
    _note(f"a key {held}; it is shown this once, so keep it now")


@app.command("list")
def list_keys(as_json: AsJson = False, project_id: ProjectId = "") -> None:
    """Show who has a key, the oldest first; not the keys, which nobody keeps.

    [bold]Example:[/bold]  tidegate keys list --json
    """
    keys = _ask(KeyFile.list, project_id)
    now = system_clock()
    if as_json:
        typer.echo(json.dumps([_facts(each, now) for each in keys], indent=2, ensure_ascii=False))
        return
    if not keys:
        say("there are no API keys; make one with `tidegate keys add PRINCIPAL`")
        return
    table = Table("key", "principal", "state", "created", "expires")
    for each in keys:
        expires = _time(each.expires_at) if each.expires_at else "never"
        # As texts: brackets in them are no markup.
        row = (each.id[:_ID_DIGITS], each.principal, each.state(now), _time(each.created_at), expires)
        table.add_row(*map(Text, row))
    out.print(table, soft_wrap=False)


@app.command()
def disable(
    prefix: Annotated[str, typer.Argument(metavar="KEY_ID_PREFIX", help="Enough of the key's id in `keys list`.")],
    dry_run: DryRun = False,
    project_id: ProjectId = "",
) -> None:
    """Have the gateway refuse a key, within 30 seconds at every instance.

    [bold]Example:[/bold]  tidegate keys disable 1f0c9a --dry-run
    """

    async def settle(file: KeyFile) -> str:
        key = await file.find(prefix)
        name = f"key {key.id[:_ID_DIGITS]} of {key.principal}"
        if key.disabled:
            return f"{name} was disabled already"
        if dry_run:
            return f"would disable {name}; nothing was changed"
        await file.disable(key)
        return f"disabled {name}"

    say(_ask(settle, project_id))


def _ask(question: Callable[[KeyFile], Awaitable[T]], project_id: str) -> T:
    return operate(lambda operations: question(KeyFile(operations.connections.firestore)), project_id)


def _facts(key: FiledKey, now: datetime) -> dict[str, Any]:
    """A key as JSON has it."""
    return {
        "id": key.id,
        "principal": key.principal,
        "state": key.state(now),
        "created_at": timestamp(key.created_at),
        "expires_at": timestamp(key.expires_at) if key.expires_at else None,
    }


def _note(text: str) -> None:
    """Tell people, away from standard output."""
    err.print(text, markup=False)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
