"""The tasks of the local timer service, in one SQLite file."""

import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    name TEXT PRIMARY KEY,
    due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    content BLOB  -- NULL once it is done: the name alone is kept, so that it is not taken again
);
CREATE INDEX IF NOT EXISTS waiting ON tasks (due) WHERE content IS NOT NULL;
"""


@dataclass(frozen=True, slots=True)
class WaitingTask:
    """A task that is not done.

    Attributes:
        due: when it is to be tried, in seconds since 1970.
        attempts: how often it has been tried in vain.
    """

    name: str
    due: float
    attempts: int
    content: bytes


class TimerStore:
    """What a method has done is in the file when it returns. Safe for use by several threads of one process."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        # The lock, not the thread, keeps calls apart; without isolation level every statement commits by itself.
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.executescript(_SCHEMA)

    def add(self, name: str, due: float, content: bytes) -> bool:
        """Keep a new task; False, and nothing is changed, if there is or was one of this name."""
        with self._lock:
            added = self._connection.execute(
                "INSERT INTO tasks (name, due, content) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (name, due, content)
            )
            return added.rowcount == 1

    def due(self, now: float, limit: int) -> list[WaitingTask]:
        """Up to ``limit`` tasks that are due, those that have waited longest first."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT name, due, attempts, content FROM tasks WHERE content IS NOT NULL AND due <= ? "
                "ORDER BY due LIMIT ?",
                (now, limit),
            ).fetchall()
        return [WaitingTask(*row) for row in rows]

    def next_due(self) -> float | None:
        """When the next task is due; None if none waits."""
        with self._lock:
            found: tuple[float | None] = self._connection.execute(
                "SELECT min(due) FROM tasks WHERE content IS NOT NULL"
            ).fetchone()
        return found[0]

    def postpone(self, name: str, due: float) -> None:
        """Note an attempt in vain, and when the next one is due."""
        with self._lock:
            self._connection.execute("UPDATE tasks SET due = ?, attempts = attempts + 1 WHERE name = ?", (due, name))

    def finish(self, name: str) -> None:
        """Note that it is done."""
        with self._lock:
            self._connection.execute("UPDATE tasks SET content = NULL WHERE name = ?", (name,))

    def close(self) -> None:
        with self._lock:
            self._connection.close()
