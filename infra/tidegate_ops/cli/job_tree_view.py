"""How commands show a job's tree."""

import json
from typing import Any

import typer
from rich.text import Text

from tidegate.events import timestamp
from tidegate_ops.cli.console import say
from tidegate_ops.cli.forest import print_forest
from tidegate_ops.job_outline import Outline, spoken
from tidegate_ops.job_tree import Branch, JobTree, Relation, State

_ID_DIGITS = 12
_STYLES = {
    State.DONE: "green",
    State.SUPERSEDED: "dim",
    State.CANCELLED: "dim",
    State.UNKNOWN: "dim",
    State.UNDELIVERED: "yellow",
    State.WAITING: "yellow",
    State.RUNNING: "cyan",
    State.FAILED: "red",
}
_RELATIONS = {Relation.THEN: "then ", Relation.COMPENSATION: "undo ", Relation.UNPLACED: "elsewhere "}


def print_tree(tree: JobTree, *, unfolded: bool) -> None:
    """Print the tree for people; unless ``unfolded``, a few of many alike siblings below which nothing failed."""
    say(f"job {tree.job.id}: {tree.job.state}, {tree.job.topic}")
    outline = Outline(tree, unfolded=unfolded)
    print_forest(outline.first(), outline.below, _line)


def print_lines(tree: JobTree) -> None:
    """Print each unit as a line of JSON, those that another one caused after it."""
    for parent, branch in tree.walk():
        typer.echo(json.dumps(_facts(parent, branch)))


def _line(branch: Branch) -> Text:
    # As texts: brackets in them are no markup.
    unit, handling = branch.unit, branch.handling
    line = Text(_RELATIONS.get(unit.relation, ""), "dim") + Text(unit.function)
    line.append(f"  {unit.event_type} {unit.event_id[:_ID_DIGITS]}".rstrip() + "  ", "dim")
    line.append(spoken(handling.state), _STYLES[handling.state])
    if handling.attempts:
        line.append(f", {handling.attempts} attempt{'' if handling.attempts == 1 else 's'}", "dim")
    if branch.seconds is not None:
        line.append(f", {branch.seconds:,.1f} s", "dim")
    if handling.same_as:
        line.append(f", the same work as {handling.same_as[:_ID_DIGITS]}", "dim")
    if handling.fault is not None and handling.state is not State.DONE:
        line.append(f", {handling.fault}: {' '.join(handling.reason.split())}")
    return line


def _facts(parent: Branch | None, branch: Branch) -> dict[str, Any]:
    """A unit as JSON has it."""
    unit, handling = branch.unit, branch.handling
    return {
        "id": unit.id,
        "parent": parent.unit.id if parent else None,
        "relation": unit.relation,
        "function": unit.function,
        "event_type": unit.event_type,
        "event_id": unit.event_id,
        "state": handling.state,
        "attempts": handling.attempts,
        "fault": handling.fault,
        "reason": handling.reason,
        "same_as": handling.same_as,
        "emitted_at": timestamp(unit.since) if unit.since else None,
        "ended_at": timestamp(handling.ended_at) if handling.ended_at else None,
        "seconds": branch.seconds,
        "unread": branch.unread,
    }
