"""`tidegate trace`."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from tidegate.clock import system_clock
from tidegate.events import timestamp
from tidegate.verdicts import Verdict
from tidegate_ops.cli.console import complain, say
from tidegate_ops.cli.forest import print_forest
from tidegate_ops.cli.operate import operate
from tidegate_ops.cli.options import AsJson, ProjectId
from tidegate_ops.cli.since import Since, moment
from tidegate_ops.insight.event_story import Chapter, Story, tell
from tidegate_ops.log_line import VERDICT_STYLES, WAITING_STYLE

_ID_DIGITS = 12
_MOST_ALIKE = 10
_CALM = (Verdict.DONE, Verdict.DUPLICATE, Verdict.FILTERED)


def trace(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id, whole.")],
    since: Since = "7d",
    unfolded: Annotated[
        bool, typer.Option("--all", help="Show each of many alike, instead of the first few and what failed.")
    ] = False,
    as_json: AsJson = False,
    project_id: ProjectId = "",
) -> None:
    """Show everything that belongs to an event's trace: who handled what, how often, and what came of it.

    It is made of the lines that deliveries end in; `tidegate job tree` is made of what the ledger knows.

    [bold]Examples:[/bold]

    tidegate trace 6f1d9c0e2b7a4f53a1c8e0d97b65f432

    tidegate trace 6f1d9c0e2b7a4f53a1c8e0d97b65f432 --json
    """
    story = operate(lambda operations: tell(operations.lines, event, since=moment(since, system_clock())), project_id)
    if as_json:
        for parent, chapter in story.walk():
            typer.echo(json.dumps(_facts(parent, chapter)))
    else:
        say(f"trace {story.trace_id}")
        shown = {id(each) for _, each in story.walk()} if unfolded else _not_calm(story, event)
        print_forest(
            _rows(story.roots, 0, shown),
            lambda chapter: _rows(chapter.children, chapter.unseen, shown),
            lambda chapter: _line(chapter, chapter.event_id == event),
        )
    if story.cut:
        complain("the trace has more lines than were read: the oldest are missing")


def _not_calm(story: Story, event: str) -> set[int]:
    """The identities of chapters that are not to be folded: what has not ended well, what is asked for, all above."""
    found: set[int] = set()
    for parent, chapter in reversed(list(story.walk())):
        if chapter.last.verdict not in _CALM or chapter.event_id == event:
            found.add(id(chapter))
        if parent is not None and id(chapter) in found:
            found.add(id(parent))
    return found


def _rows(chapters: Sequence[Chapter], unseen: int, shown: set[int]) -> list[Chapter | str]:
    """The siblings, or what is said in place of many that are not to be ``shown``."""
    rows: list[Chapter | str] = []
    alike: Counter[str] = Counter()
    folded = 0
    for each in chapters:
        if id(each) in shown or alike[each.function] < _MOST_ALIKE:
            rows.append(each)
            alike[each.function] += id(each) not in shown
        else:
            folded += 1
    told = [f"{folded:,} more" if folded else "", f"{unseen:,} emitted that no line tells of" if unseen else ""]
    if said := ", ".join(filter(None, told)):
        rows.append(f"… {said}")
    return rows


def _line(chapter: Chapter, asked: bool) -> Text:
    # As texts: brackets in them are no markup.
    last = chapter.last
    line = Text(chapter.function, "bold" if asked else "")
    line.append(f"  {chapter.event_type} {chapter.event_id[:_ID_DIGITS]}  ", "dim")
    line.append(last.verdict, VERDICT_STYLES.get(last.verdict, WAITING_STYLE))
    facts = [f"attempt {last.attempt}"] if last.attempt > 1 else []
    if (others := len(chapter.deliveries) - 1) > 0:
        facts.append(f"{others} earlier {'delivery' if others == 1 else 'deliveries'}")
    facts.append(f"{last.duration_ms:,.0f} ms")
    line.append("".join(f", {each}" for each in facts), "dim")
    if last.reason:
        line.append(f", {' '.join(last.reason.split())}")
    return line


def _facts(parent: Chapter | None, chapter: Chapter) -> dict[str, Any]:
    """A chapter as JSON has it."""
    return {
        "id": _name(chapter),
        "parent": _name(parent) if parent else None,
        "function": chapter.function,
        "event_id": chapter.event_id,
        "event_type": chapter.event_type,
        "emitted": chapter.emitted,
        "unseen": chapter.unseen,
        "deliveries": [
            {
                "at": timestamp(each.at),
                "verdict": each.verdict,
                "attempt": each.attempt,
                "duration_ms": each.duration_ms,
                "latency_ms": each.latency_ms,
                "fault": each.fault,
                "reason": each.reason,
                "job": each.job,
                "message_id": each.message_id,
                "span_id": each.span_id,
            }
            for each in chapter.deliveries
        ],
    }


def _name(chapter: Chapter) -> str:
    return f"{chapter.function}/{chapter.event_id}"
