"""Times as people type them."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from tidegate.errors import ConfigurationError

Since = Annotated[
    str, typer.Option("--since", metavar="TIME", help="None that is older: 30s, 10m, 2h, 7d, or 2013-02-08T12:00.")
]

_SPAN = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str, now: datetime) -> datetime:
    """The moment that ``text`` names; in UTC where it names no zone.

    Raises:
        ConfigurationError: it names none.
    """
    if found := _SPAN.fullmatch(text):
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"--since {text}: write how long ago, such as 10m, 2h or 7d, or when, such as 2013-02-08T12:00"
        ) from None
    return named if named.tzinfo else named.replace(tzinfo=UTC)
