"""The boards that an instance keeps."""

from collections import OrderedDict

from departure_board.board_key import BoardKey
from departure_board.departures import Departures
from departure_board.live_board import LiveBoard
from departure_board.pace import Pace

_UNWATCHED = 32
"""So many are kept though nobody watches them: to show one again, only its news has to be read."""


class Boards:
    """One `LiveBoard` for each airport and day that somebody looked at lately."""

    def __init__(self, departures: Departures, pace: Pace) -> None:
        self._departures = departures
        self._pace = pace
        self._boards: OrderedDict[BoardKey, LiveBoard] = OrderedDict()

    def board(self, key: BoardKey) -> LiveBoard:
        """The board of that name; the same one to all who ask while it is kept."""
        if key not in self._boards:
            self._boards[key] = LiveBoard(key, self._departures, self._pace)
        self._boards.move_to_end(key)
        self._forget()
        return self._boards[key]

    def _forget(self) -> None:
        unwatched = [key for key, board in self._boards.items() if not board.watched]
        for key in unwatched[:-_UNWATCHED]:
            del self._boards[key]
