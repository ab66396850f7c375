"""Where commands write: results to stdout, everything about the run itself to stderr."""

import sys

from rich.console import Console

_NO_EDGE = 200  # columns for a pipe or a file, where tables need not squeeze their words

out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else _NO_EDGE)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def say(text: str, style: str = "") -> None:
    """Print a result; brackets in ``text`` are text."""
    out.print(text, style=style or None, markup=False)


def complain(text: str) -> None:
    """Print what went wrong, in red."""
    err.print(text, style="red", markup=False)
