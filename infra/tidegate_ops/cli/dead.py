"""`tidegate dead`."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from tidegate.events import timestamp
from tidegate_ops.cli import completion, dead_redrive
from tidegate_ops.cli.console import out, say
from tidegate_ops.cli.operate import operate
from tidegate_ops.cli.options import AsJson, OfFunction, ProjectId
from tidegate_ops.dead_letter_file import LetterFolder
from tidegate_ops.filed_letters import FiledLetter, State

_ID_DIGITS = 12
_MOST_SHOWN_BYTES = 4_000

app = typer.Typer(help="Events that functions gave up on: find, understand, redrive.", no_args_is_help=True)
app.command("redrive")(dead_redrive.redrive)
app.command("drop")(dead_redrive.drop)


@app.command("list")
def list_letters(
    function: OfFunction = "",
    state: Annotated[State | None, typer.Option(help="Only those in this state.")] = None,
    as_json: AsJson = False,
    project_id: ProjectId = "",
) -> None:
    """Show the dead letters, the oldest first.

    [bold]Examples:[/bold]

    tidegate dead list --state open

    tidegate dead list --function rebook_passengers --json
    """
    letters = operate(lambda found: found.letters.list(function=function, state=state), project_id)
    if as_json:
        _print_json([_facts(letter) for letter in letters])
        return
    if not letters:
        say(_nothing(function, state))
        return
    table = Table("letter", "state", "fault", "died", "event", "reason")
    for letter in letters:
        # As texts: brackets in them are no markup.
        table.add_row(
            *map(
                Text,
                (_short(letter), letter.state, letter.fault, _time(letter.died_at), letter.event_id, letter.reason),
            )
        )
    out.print(table, soft_wrap=False)
    say(f"look into one: tidegate dead show {_short(letters[0])}")


@app.command()
def show(
    letter_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="The letter's id, or enough of its beginning.", autocompletion=completion.letters
        ),
    ],
    payload: Annotated[bool, typer.Option("--payload", help="Print nothing but the payload, as it is.")] = False,
    as_json: AsJson = False,
    project_id: ProjectId = "",
) -> None:
    """Show all that is known of one dead letter.

    [bold]Examples:[/bold]

    tidegate dead show assess_flight.1f0c

    tidegate dead show assess_flight.1f0c --payload > event.json
    """
    folder = operate(lambda found: found.letters.open(letter_id), project_id)
    if payload:
        typer.echo(folder.payload, nl=False)
    elif as_json:
        _print_json(
            {
                **_facts(folder.letter),
                "attempts": folder.attempts,
                "traceback": folder.traceback,
                "payload": folder.payload.decode(errors="replace"),
            }
        )
    else:
        _describe(folder)


def _describe(folder: LetterFolder) -> None:
    letter = folder.letter
    facts = {
        "letter": letter.id,
        "state": letter.state,
        "function": letter.function,
        "event": f"{letter.event_id} ({letter.event_type or 'no type'})",
        "died": _time(letter.died_at),
        "fault": letter.fault,
        "reason": letter.reason,
        "attempts": str(folder.attempts),
        "redrives": str(letter.redrive),
        "ledger": str(folder.record.status) if folder.record else "no record of this payload",
        **{f"  {name}": value for name, value in sorted(letter.attributes.items())},
    }
    grid = Table.grid(padding=(0, 2))
    for name, value in facts.items():
        grid.add_row(Text(name, style="dim"), Text(value))
    out.print(grid, soft_wrap=False)
    say(f"\npayload, {letter.size:,} bytes:")
    say(_readable(folder.payload))
    if folder.traceback:
        say("\nthe last error:")
        say(folder.traceback.rstrip(), "dim")
    if letter.state is State.OPEN:
        say(f"\nsend it back: tidegate dead redrive {letter.id}")


def _facts(letter: FiledLetter) -> dict[str, Any]:
    """A letter as JSON has it."""
    facts = {**asdict(letter), "attributes": dict(letter.attributes), "died_at": timestamp(letter.died_at)}
    del facts["update_time"]
    return facts


def _readable(payload: bytes) -> str:
    """A payload for people: JSON in lines, other text as it is, cut where it is long."""
    try:
        text = json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except ValueError:
        text = payload.decode(errors="backslashreplace")
    if len(text) <= _MOST_SHOWN_BYTES:
        return text
    return f"{text[:_MOST_SHOWN_BYTES]}\n… all of it: --payload"


def _nothing(function: str, state: State | None) -> str:
    if not (function or state):
        return "no event has died: functions completed, or are still retrying, all that they were given"
    of = f" of {function}" if function else ""
    return f"no {f'{state} ' if state else ''}dead letter{of}; without options, `tidegate dead list` shows all"


def _short(letter: FiledLetter) -> str:
    """An id as people copy it; long enough to tell letters apart."""
    function, dot, digits = letter.id.rpartition(".")
    return f"{function}{dot}{digits[:_ID_DIGITS]}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
