"""Sees edits of a project's source and says which functions they concern."""

from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Self

from watchdog.events import (
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from tidegate_ops.project import Project

_EDITS: list[type[FileSystemEvent]] = [FileCreatedEvent, FileDeletedEvent, FileModifiedEvent, FileMovedEvent]


class SourceWatcher:
    """While entered, reports edits: ``on_edit`` the functions to restart, ``on_topology`` a new topology.

    Both are called in a thread of the watcher's own, once per edited file or more often.
    """

    def __init__(
        self,
        project: Project,
        functions: Collection[str],
        *,
        on_edit: Callable[[Collection[str]], None],
        on_topology: Callable[[], None],
    ) -> None:
        self._project = project
        self._functions = functions
        self._on_edit = on_edit
        self._on_topology = on_topology
        self._observer = Observer()

    def __enter__(self) -> Self:
        handler = _Handler(self._edited)
        for folder in (self._project.functions_dir, self._project.infra):
            self._observer.schedule(handler, folder, recursive=True, event_filter=_EDITS)
        self._observer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._observer.stop()
        self._observer.join()

    def _edited(self, path: Path) -> None:
        if path == self._project.topology_path:
            self._on_topology()
        elif concerned := self.concerned(path):
            self._on_edit(concerned)

    def concerned(self, path: Path) -> Collection[str]:
        """The functions that an edit of ``path`` changes: one for a file of its folder, all for what all import."""
        if "__pycache__" in path.parts or path.name.startswith(".") or path.name.endswith("~"):
            return ()
        for package in (self._project.infra / "tidegate", self._project.contracts_dir):
            if path.is_relative_to(package):
                return self._functions
        return [name for name in self._functions if path.is_relative_to(self._project.functions_dir / name)]


class _Handler(FileSystemEventHandler):
    def __init__(self, edited: Callable[[Path], None]) -> None:
        self._edited = edited

    def on_any_event(self, event: FileSystemEvent) -> None:
        for path in filter(None, (event.src_path, event.dest_path)):
            self._edited(Path(str(path)))
