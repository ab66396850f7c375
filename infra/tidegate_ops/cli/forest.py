"""Trees as lines of text."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from rich.text import Text

from tidegate_ops.cli.console import out

T = TypeVar("T")


def print_forest(rows: Sequence[T | str], below: Callable[[T], Sequence[T | str]], line: Callable[[T], Text]) -> None:
    """Print trees, each node before what is below it; a text in place of a node is a remark."""
    # No recursion: a chain of events may be longer than Python's stack is deep.
    ahead = _guided("", rows)
    while ahead:
        guide, indent, row = ahead.pop()
        if isinstance(row, str):
            out.print(Text(guide + row, "dim"))
            continue
        out.print(Text(guide, "dim") + line(row))
        ahead += _guided(indent, below(row))


def _guided(indent: str, rows: Sequence[T | str]) -> list[tuple[str, str, T | str]]:
    """(Guide, the indent of what is below, row) of each sibling, the first last."""
    last = len(rows) - 1
    return [
        (indent + ("└─ " if number == last else "├─ "), indent + ("   " if number == last else "│  "), row)
        for number, row in reversed(list(enumerate(rows)))
    ]
