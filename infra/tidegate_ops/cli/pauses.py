"""`tidegate pause`, `resume`, `drain` and `pauses`."""

import getpass
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Table
from rich.text import Text

from tidegate.events import timestamp
from tidegate_ops.backlogs import Backlog, BacklogUnknown
from tidegate_ops.cli.console import complain, out, say
from tidegate_ops.cli.operate import operate
from tidegate_ops.cli.options import AsJson, DryRun, Function, ProjectId
from tidegate_ops.pausing import Pausing, Standing

T = TypeVar("T")

Reason = Annotated[str, typer.Option(help="Why, for those who will find it paused.")]


def pause(
    function: Function,
    reason: Reason = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
    project_id: ProjectId = "",
) -> None:
    """Let what comes for a function wait in Pub/Sub, until you resume it. Deliveries under way go on.

    On Google Cloud some minutes may pass until none begins any more: `tidegate status` shows whether any does.

    [bold]Example:[/bold]  tidegate pause rebook_passengers --reason "the partner moves house"
    """

    async def act(pausing: Pausing) -> Standing:
        before = await pausing.look(function)
        after = before if dry_run else await pausing.pause(function, getpass.getuser(), reason)
        if not as_json:
            say(_paused(before, dry_run))
        return after

    _conclude(_ask(act, project_id), as_json)


def resume(function: Function, dry_run: DryRun = False, as_json: AsJson = False, project_id: ProjectId = "") -> None:
    """Let a paused function run again. One that a dependency's breaker has cut off stays paused until that is over.

    [bold]Example:[/bold]  tidegate resume rebook_passengers --dry-run
    """

    async def act(pausing: Pausing) -> Standing:
        before = await pausing.look(function)
        after = before if dry_run else await pausing.resume(function)
        if not as_json:
            say(_resumed(before, after, dry_run))
        return after

    _conclude(_ask(act, project_id), as_json)


def drain(
    function: Function,
    reason: Reason = "",
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for it, at most.")] = 600,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    project_id: ProjectId = "",
) -> None:
    """Let a function work off what waits for it now, then pause it.

    On the emulators it is paused for moments in between, which is the only way there to see what waits.

    [bold]Example:[/bold]  tidegate drain rebook_passengers --reason "before the migration"
    """

    async def act(pausing: Pausing) -> Standing:
        before = await pausing.look(function)
        if dry_run:
            after = before
        else:
            after = await pausing.drain(function, getpass.getuser(), reason, timeout)
        if not as_json:
            first = "resume it, " if before.pause.hold else ""
            say(
                f"would {first}let {function} work off what waits for it, and pause it; nothing was changed"
                if dry_run
                else f"{function} has worked off what waited, and is paused; let it go: tidegate resume {function}"
            )
        return after

    _conclude(_ask(act, project_id), as_json)


def pauses(as_json: AsJson = False, project_id: ProjectId = "") -> None:
    """Show which functions are paused, by whom, why, since and until when, and what waits for them.

    [bold]Example:[/bold]  tidegate pauses --json
    """
    standings = _ask(_survey, project_id)
    if as_json:
        typer.echo(json.dumps([_facts(each) for each in standings], indent=2, ensure_ascii=False))
        return
    table = Table("function", "state", "by", "why", "since", "until", "waiting")
    for each in standings:
        for row in _rows(each):
            # As texts: brackets in them are no markup.
            table.add_row(*map(Text, row))
    out.print(table, soft_wrap=False)


async def _survey(pausing: Pausing) -> list[Standing]:
    standings = await pausing.look_at_all()
    try:
        backlogs = await pausing.backlogs.look(pausing.countable(standings))
    except BacklogUnknown as unknown:
        complain(str(unknown))
        return standings
    return [replace(each, backlog=backlogs.get(each.function)) for each in standings]


def _ask(question: Callable[[Pausing], Awaitable[T]], project_id: str) -> T:
    return operate(lambda operations: question(operations.pausing), project_id)


def _conclude(standing: Standing, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_facts(standing), indent=2, ensure_ascii=False))
    if not standing.pause.is_on and not standing.pushes:
        complain(
            f"{standing.function} is not paused, yet its subscription pushes nothing: somebody else took its push "
            "configuration off; `terraform apply`, or `tidegate up` anew, puts it back"
        )
        raise typer.Exit(1)


def _paused(before: Standing, dry_run: bool) -> str:
    name = before.function
    if hold := before.pause.hold:
        return f"{name} was paused already, by {hold.by} since {_time(hold.at)}{_because(hold.reason)}: it stays so"
    if dry_run:
        return f"would pause {name}; nothing was changed"
    return f"{name} is paused: what comes for it waits, as long as Pub/Sub keeps it; let it go: tidegate resume {name}"


def _resumed(before: Standing, after: Standing, dry_run: bool) -> str:
    name, hold, cut_off = before.function, before.pause.hold, after.pause.cut_off
    lifted = f"the pause by {hold.by} {'would be' if dry_run else 'is'} lifted" if hold else "no operator has paused it"
    if cut_off:
        end = f"until about {_time(cut_off.until)}" if cut_off.until else "for a while"
        return (
            f"{name} stays paused {end}: {cut_off.dependency} is cut off{_because(cut_off.reason)}. It then runs by "
            f"itself; {lifted}{'; nothing was changed' if dry_run else ''}"
        )
    if dry_run:
        return f"would resume {name}: {lifted}; nothing was changed"
    return f"{name} runs: {lifted}"


def _rows(standing: Standing) -> Iterator[tuple[str, ...]]:
    """One row for each reason; one for a function that runs."""
    pause, waiting = standing.pause, _waiting(standing.backlog)
    state = _state(standing)
    if pause.hold:
        yield standing.function, state, pause.hold.by, pause.hold.reason, _time(pause.hold.at), "", waiting
    if cut_off := pause.cut_off:
        why = f"{cut_off.dependency} is cut off{_because(cut_off.reason)}"
        until = _time(cut_off.until) if cut_off.until else ""
        yield standing.function, state, "the governor", why, _time(cut_off.at), until, waiting
    if not pause.is_on:
        yield standing.function, state, "", "", "", "", waiting


def _state(standing: Standing) -> str:
    match standing.pause.is_on, standing.pushes:
        case True, False:
            return "paused"
        case True, True:
            return "to be paused"  # put back by a deployment, or just now
        case False, False:
            return "to be resumed" if standing.pause.push else "pushes nothing"
        case _:
            return "runs"


def _waiting(backlog: Backlog | None) -> str:
    if backlog is None:
        return "?"
    return f"{backlog.count:,}{' or more' if backlog.more else ''}"


def _facts(standing: Standing) -> dict[str, Any]:
    """A function as JSON has it."""
    hold, cut_off, backlog = standing.pause.hold, standing.pause.cut_off, standing.backlog
    return {
        "function": standing.function,
        "paused": standing.pause.is_on,
        "pushes": standing.pushes,
        "operator": {"by": hold.by, "reason": hold.reason, "since": timestamp(hold.at)} if hold else None,
        "governor": {
            "dependency": cut_off.dependency,
            "reason": cut_off.reason,
            "since": timestamp(cut_off.at),
            "until": timestamp(cut_off.until) if cut_off.until else None,
        }
        if cut_off
        else None,
        "backlog": {
            "count": backlog.count,
            "more": backlog.more,
            "oldest": timestamp(backlog.oldest) if backlog.oldest else None,
            "as_of": timestamp(backlog.as_of),
        }
        if backlog
        else None,
    }


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
