"""Which board is meant: one airport's departures of one local day."""

from dataclasses import dataclass
from datetime import date
from urllib.parse import urlencode

AIRPORTS = {"EWR": "Newark Liberty", "JFK": "John F. Kennedy", "LGA": "LaGuardia"}
"""The airports that the desk looks after, by IATA code."""


class NoSuchBoard(Exception):
    """There is no board of this name; the message says which there are."""


@dataclass(frozen=True, slots=True)
class BoardKey:
    """Names one board."""

    airport: str
    day: date

    @property
    def query(self) -> str:
        """The board's part of an address: ``airport=EWR&day=2013-02-08``."""
        return urlencode({"airport": self.airport, "day": self.day.isoformat()})


def read_airport(text: str) -> str:
    """An airport of the desk's.

    Raises:
        NoSuchBoard: it is none of them.
    """
    if text not in AIRPORTS:
        raise NoSuchBoard(f"The desk has no airport {text!r}: choose one of {', '.join(AIRPORTS)}.")
    return text


def read_day(text: str) -> date:
    """A day as ``2013-02-08``.

    Raises:
        NoSuchBoard: it is no day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise NoSuchBoard(f"{text!r} is no day: write it as 2013-02-08.") from None
