"""The board's pages, as HTML that works before any script has run, and without one."""

from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from departure_board.assets import Assets
from departure_board.board_key import AIRPORTS, BoardKey
from departure_board.live_board import LiveBoard
from departure_board.rows import STATUSES, counts, row

_TEMPLATES = Path(__file__).parent / "templates"


class Pages:
    """Renders pages. ``root`` is the path that the application is at: ``/``, or below another one."""

    def __init__(self, assets: Assets) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(airports=AIRPORTS, asset=assets.address, statuses=STATUSES)

    def board(self, root: str, board: LiveBoard, silence_seconds: float) -> str:
        """A board as it stands; after ``silence_seconds`` without a word its page takes the connection for lost."""
        departures = board.departures()
        return self._templates.get_template("board.html").render(
            root=root,
            airport=board.key.airport,
            day=board.key.day,
            long_day=_long(board.key.day),
            tabs={code: BoardKey(code, board.key.day).query for code in AIRPORTS},
            query=board.key.query,
            version=board.version,
            silence_seconds=silence_seconds,
            rows=[row(each) for each in departures],
            counts=counts(departures),
        )

    def empty(self, root: str) -> str:
        """For as long as there are no departures at all; the page looks again by itself."""
        return self._templates.get_template("empty.html").render(root=root)

    def problem(self, root: str, title: str, advice: str) -> str:
        """Says what is wrong and what to do."""
        return self._templates.get_template("problem.html").render(root=root, title=title, advice=advice)


def _long(day: date) -> str:
    """Friday 8 February 2013."""
    return f"{day:%A} {day.day} {day:%B %Y}"
