"""How commands show a job's tree."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import typer
from rich.text import Text

from tidegate.events import timestamp
from tidegate_ops.cli.console import say
from tidegate_ops.cli.forest import print_forest
from tidegate_ops.job_tree import Branch, JobTree, Relation, State

_ID_DIGITS = 12
_MOST_ALIKE = 10
_GRAVITY = tuple(State)
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
    worst = _worst(tree)
    print_forest(
        _rows(tree.roots, worst, unfolded=unfolded),
        lambda branch: _rows(branch.children, worst, unread=branch.unread, unfolded=unfolded),
        _line,
    )


def print_lines(tree: JobTree) -> None:
    """Print each unit as a line of JSON, those that another one caused after it."""
    for parent, branch in tree.walk():
        typer.echo(json.dumps(_facts(parent, branch)))


def _rows(
    branches: Sequence[Branch], worst: dict[int, State], *, unread: int = 0, unfolded: bool
) -> list[Branch | str]:
    """The siblings, or what is said in place of many."""
    rows: list[Branch | str] = []
    folded: Counter[State] = Counter()
    alike: Counter[tuple[str, Relation]] = Counter()
    for branch in branches:
        state, kind = worst[id(branch)], (branch.unit.function, branch.unit.relation)
        if state is State.FAILED or unfolded or alike[kind] < _MOST_ALIKE:
            rows.append(branch)
            alike[kind] += state is not State.FAILED
        else:
            folded[state] += 1
    told = [f"{folded[state]:,} more {_spoken(state)}" for state in _GRAVITY if folded[state]]
    if unread:
        told.append(f"{unread:,} not read")
    if told:
        rows.append(f"… {', '.join(told)}")
    return rows


def _worst(tree: JobTree) -> dict[int, State]:
    """By each branch's identity, the state of it and all below that needs attention most."""
    worst: dict[int, State] = {}
    for _, branch in reversed(list(tree.walk())):
        states = [branch.handling.state, *(worst[id(each)] for each in branch.children)]
        worst[id(branch)] = max(states, key=_GRAVITY.index)
    return worst


def _line(branch: Branch) -> Text:
    # As texts: brackets in them are no markup.
    unit, handling = branch.unit, branch.handling
    line = Text(_RELATIONS.get(unit.relation, ""), "dim") + Text(unit.function)
    line.append(f"  {unit.event_type} {unit.event_id[:_ID_DIGITS]}".rstrip() + "  ", "dim")
    line.append(_spoken(handling.state), _STYLES[handling.state])
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


def _spoken(state: State) -> str:
    return "not yet delivered" if state is State.UNDELIVERED else state.value
