"""The lines of a local stack's functions, kept in its own directory for as long as it runs."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, Self

from tidegate.clock import Clock, system_clock
from tidegate_ops.insight.lines import Line, LinesUnknown, Query
from tidegate_ops.log_line import parse

_FOLDER = "lines"
_SEGMENT_BYTES = 1 << 20
_SEGMENTS = 32


class LineFile:
    """Writes lines into segments of about a mebibyte, of which the last 32 are kept. Safe for many threads.

    One process writes. What is read meanwhile, by whomever, is whole lines.
    """

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock = system_clock,
        segment_bytes: int = _SEGMENT_BYTES,
        segments: int = _SEGMENTS,
    ) -> None:
        self._folder = directory / _FOLDER
        self._folder.mkdir()
        self._clock = clock
        self._segment_bytes = segment_bytes
        self._segments = segments
        self._lock = threading.Lock()
        self._number = 0
        self._file: FileIO | None = self._open()

    def note(self, component: str, text: str) -> None:
        """Keep a line; none any more after `close`.

        Raises:
            OSError: it could not be written, as where the disk is full.
        """
        with self._lock:
            if self._file is None:
                return
            if self._file.tell() >= self._segment_bytes:
                self._file.close()
                self._number += 1
                self._file = self._open()
                _path(self._folder, self._number - self._segments).unlink(missing_ok=True)
            entry = {"at": self._clock().timestamp(), "component": component, "text": text}
            self._file.write(json.dumps(entry).encode() + b"\n")

    def close(self) -> None:
        """Keep nothing any more."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> FileIO:
        # Without a buffer: others see a line at once, and what could not be written is not tried again on closing.
        return _path(self._folder, self._number).open("ab", buffering=0)


class KeptLines:
    """Implements `Lines` on what a stack keeps in ``directory``, from any process."""

    pace_seconds = 0.5

    def __init__(self, directory: Path) -> None:
        self._folder = directory / _FOLDER

    async def recent(self, query: Query) -> Sequence[Line]:
        return await asyncio.to_thread(self._recent, query)

    def _recent(self, query: Query) -> list[Line]:
        found: list[Line] = []
        for line in self._backwards(query):
            if query.since and line.at < query.since:
                break
            if query.fits(line):
                found.append(line)
                if len(found) == query.limit:
                    break
        return found[::-1]

    def _backwards(self, query: Query) -> Iterator[Line]:
        """The lines from the last to the first, but for those that do not hold what is asked for anywhere."""
        asked = (query.event_id, query.trace_id, query.function)
        words = [each.encode() for each in asked if each and json.dumps(each) == f'"{each}"']
        try:
            segments = sorted(os.listdir(self._folder), reverse=True)
        except FileNotFoundError as error:
            raise LinesUnknown("the local stack keeps no lines any more: was it stopped?") from error
        for segment in segments:
            try:
                data = (self._folder / segment).read_bytes()
            except FileNotFoundError:  # the oldest makes way
                continue
            whole = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
            end = sum(map(len, whole))
            for raw in reversed(whole):
                end -= len(raw)
                if all(word in raw for word in words):
                    yield _line(f"{segment}:{end}", json.loads(raw))


def _line(name: str, entry: dict[str, Any]) -> Line:
    text = entry["text"]
    return Line(name, datetime.fromtimestamp(entry["at"], UTC), entry["component"], text, parse(text) or {})


def _path(folder: Path, number: int) -> Path:
    return folder / f"{number:09}.ndjson"
