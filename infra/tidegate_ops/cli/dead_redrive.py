"""`tidegate dead redrive` and `tidegate dead drop`."""

import getpass
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from tidegate.errors import ConfigurationError, TidegateError
from tidegate_ops.cli import completion
from tidegate_ops.cli.console import complain, err, out, say
from tidegate_ops.cli.operate import operate
from tidegate_ops.cli.options import DryRun, OfFunction, ProjectId
from tidegate_ops.filed_letters import FiledLetter, LetterFile, Selection, State
from tidegate_ops.operations import Operations
from tidegate_ops.payload_editor import contract_of, edited, open_editor
from tidegate_ops.project import Project
from tidegate_ops.redrive import Outcome, Redrive

_MOST_ROWS = 20

LETTER_IDS = typer.Argument(
    metavar="ID", help="The letters' ids, or enough of their beginnings.", autocompletion=completion.letters
)
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]


def redrive(
    ids: Annotated[list[str] | None, LETTER_IDS] = None,
    function: OfFunction = "",
    fault: Annotated[str, typer.Option(help="Every open letter with this fault, such as rejected.")] = "",
    reason_contains: Annotated[str, typer.Option(metavar="S", help="Every open letter with S in its reason.")] = "",
    all_open: Annotated[bool, typer.Option("--all", help="Every open letter.")] = False,
    edit: Annotated[
        bool, typer.Option("--edit", help="Change the payload of one letter in $VISUAL or $EDITOR first.")
    ] = False,
    rate: Annotated[float, typer.Option(min=0.1, help="Letters a second, at most.")] = 50,
    dry_run: DryRun = False,
    yes: Yes = False,
    project_id: ProjectId = "",
) -> None:
    """Send dead letters' events back to the functions that failed on them.

    Steps that were completed are not repeated, and other functions on the same topic do not handle the
    event again. --function, --fault and --reason-contains narrow each other.

    [bold]Examples:[/bold]

    tidegate dead redrive --function rebook_passengers --fault timeout --dry-run

    tidegate dead redrive --all --rate 5
    """
    selection = Selection(tuple(ids or ()), function, fault, reason_contains, all_open)

    async def run(operations: Operations) -> list[Outcome]:
        service = operations.redrive(getpass.getuser(), rate)
        meant = await service.file.select(selection)
        if edit and len(meant) != 1:
            raise ConfigurationError(f"--edit takes one letter, and {len(meant)} are meant: name it by its id")
        refused = service.refused(meant)
        hopeless = {outcome.letter.id for outcome in refused}
        letters = [each for each in meant if each.id not in hopeless]
        if not _agreed(letters, "redrive", dry_run, yes):
            return refused
        if edit:
            return [await _send_edited(operations.project, service, letters[0])]
        return [*refused, *await _send_all(service, letters)]

    _conclude(operate(run, project_id), "redriven")


def drop(
    ids: Annotated[list[str], LETTER_IDS],
    reason: Annotated[str, typer.Option(help="Why nothing needs to be done about them; kept with the letters.")],
    dry_run: DryRun = False,
    yes: Yes = False,
    project_id: ProjectId = "",
) -> None:
    """Close dead letters without redriving them; what they held is kept.

    [bold]Example:[/bold]  tidegate dead drop ID --reason "test data of 8 February"
    """
    if not reason.strip():
        raise ConfigurationError("--reason is empty: write for those who will ask why the work was never done")

    async def run(operations: Operations) -> list[Outcome]:
        file = operations.letter_file
        letters = await file.select(Selection(tuple(ids)))
        if not _agreed(letters, "drop", dry_run, yes):
            return []
        return [await _drop(file, letter, reason) for letter in letters]

    _conclude(operate(run, project_id), "dropped")


async def _send_edited(project: Project, service: Redrive, letter: FiledLetter) -> Outcome:
    contract = contract_of(project, letter, service.topic_of(letter))
    data = edited(await service.file.payload(letter), contract, edit=open_editor)
    await service.send(letter, data)
    return Outcome(letter)


async def _send_all(service: Redrive, letters: Sequence[FiledLetter]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    with Progress(console=err, transient=True, disable=len(letters) < 2) as progress:
        task = progress.add_task("redriving", total=len(letters))

        def note(outcome: Outcome) -> None:
            outcomes.append(outcome)
            progress.advance(task)

        await service.send_all(letters, note)
    return outcomes


async def _drop(file: LetterFile, letter: FiledLetter, reason: str) -> Outcome:
    try:
        await file.settle(letter, State.DROPPED, settled_by=getpass.getuser(), drop_reason=reason)
    except TidegateError as error:
        return Outcome(letter, str(error))
    return Outcome(letter)


def _agreed(letters: Sequence[FiledLetter], verb: str, dry_run: bool, yes: bool) -> bool:
    """Show what is meant, and ask. Whether to go on."""
    if not letters:
        say(f"no open letter to {verb}")
        return False
    table = Table("letter", "function", "event", "fault", "redrives", "bytes", "reason")
    for letter in letters[:_MOST_ROWS]:
        table.add_row(
            # As texts, since what a publisher wrote must not be read as markup.
            *map(Text, (letter.id, letter.function, letter.event_id, letter.fault)),
            str(letter.redrive),
            f"{letter.size:,}",
            Text(letter.reason),
        )
    out.print(table, soft_wrap=False)
    if len(letters) > _MOST_ROWS:
        say(f"… and {len(letters) - _MOST_ROWS} more")
    count = _counted(len(letters))
    if dry_run:
        say(f"would {verb} {count}; nothing was changed")
        return False
    if not yes:
        typer.confirm(f"{verb} {count}?", abort=True, err=True)
    return True


def _conclude(outcomes: Sequence[Outcome], done: str) -> None:
    """Say what became of them; exits with 1 if any failed."""
    failed = [each for each in outcomes if each.trouble]
    for each in failed:
        complain(each.trouble)
    if len(outcomes) > len(failed):
        say(f"{done} {_counted(len(outcomes) - len(failed))}", "green")
    if failed:
        complain(f"{_counted(len(failed))} not {done} for certain; those that are still open can be tried again")
        raise typer.Exit(1)


def _counted(number: int) -> str:
    return f"{number} letter" if number == 1 else f"{number} letters"
