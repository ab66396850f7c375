"""Adding an entry to the text of `infra/topology.yaml`, which keeps its comments and its layout."""

import io
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from tidegate.errors import ConfigurationError
from tidegate_ops.yaml_source import YamlSource, label_of

_WORDS = re.compile(r"[A-Za-z][\w ,;()'.-]*")  # what YAML reads as plain text, whatever it says
_NOT_TEXT = re.compile(r"true|false|yes|no|on|off|null|[.\d].*", re.IGNORECASE)


class TopologyText:
    """The file's lines, and what they say."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = YamlSource.read(path).content
        text = path.read_bytes().decode()
        self._end = "\r\n" if "\r\n" in text else "\n"
        self._lines = text.splitlines()

    @property
    def source(self) -> YamlSource:
        """What the lines say now."""
        return YamlSource(label_of(self._path), self._content)

    def __str__(self) -> str:
        return self._end.join(self._lines) + self._end

    def add(self, section: str, name: str, fields: Mapping[str, Any], *, before: Collection[str]) -> None:
        """Add an entry at the end of a section, but before those of its last entries that are named ``before``.

        Raises:
            ConfigurationError: the section is not laid out as a block, one line a key.
        """
        wanted = {**self._content, section: {**(self._content.get(section) or {}), name: dict(fields)}}
        entries = self._content.get(section)
        if not entries:
            self._open(section)
            at, indent, spaced = self._line_of(section) + 1, 2, False
        else:
            self._require_block(section, entries)
            own = list(entries)
            while own and own[-1] in before:
                own.pop()
            indent = entries.lc.key(next(iter(entries)))[1]
            at = self._end_of(entries, own[-1]) if own else self._line_of(section) + 1
            spaced = self._is_spaced(entries)
        block = _block(name, fields, indent)
        if spaced:
            block = ["", *block] if at > self._line_of(section) + 1 else [*block, ""]
        self._lines[at:at] = block
        self._read_again(wanted)

    def _line_of(self, section: str) -> int:
        line: int = self._content.lc.key(section)[0]
        return line

    def _open(self, section: str) -> None:
        """Turn a section that is missing or empty into the head of a block."""
        if section in self._content:
            line = self._line_of(section)
            self._lines[line] = re.sub(r":\s*(\{\s*\}|null|~)?", ":", self._lines[line], count=1)
        else:
            self._lines += ["", f"{section}:"]
        self._content = YAML(typ="rt", pure=True).load(str(self))

    def _require_block(self, section: str, entries: CommentedMap) -> None:
        if entries.fa.flow_style() or any(entries.lc.key(each)[0] <= self._line_of(section) for each in entries):
            raise ConfigurationError(
                f"{label_of(self._path)}:{self._line_of(section) + 1}: {section} is written in one line; "
                "write each of its entries on lines of its own"
            )

    def _end_of(self, entries: CommentedMap, name: str) -> int:
        """The line after an entry's last; comments that are indented more than its name belong to it."""
        start: int
        start, indent = entries.lc.key(name)
        end = start + 1
        for number in range(start + 1, len(self._lines)):
            line = self._lines[number].strip()
            depth = len(self._lines[number]) - len(self._lines[number].lstrip())
            if line and depth <= indent:
                break
            if line:
                end = number + 1
        return end

    def _is_spaced(self, entries: CommentedMap) -> bool:
        """Whether empty lines stand between the entries, or before the comments above them."""
        for each in list(entries)[1:]:
            above = entries.lc.key(each)[0] - 1
            while self._lines[above].lstrip().startswith("#"):
                above -= 1
            if not self._lines[above].strip():
                return True
        return False

    def _read_again(self, wanted: Mapping[str, Any]) -> None:
        """Make sure that the lines say what they said, and the new entry; anything else would be a fault of ours."""
        self._content = YAML(typ="rt", pure=True).load(str(self))
        if _plain(self._content) != _plain(wanted):
            raise ConfigurationError(
                f"{label_of(self._path)} is laid out in a way that cannot be added to: add the entry by hand"
            )


def _block(name: str, fields: Mapping[str, Any], indent: int) -> list[str]:
    margin = " " * indent
    if not fields:
        return [f"{margin}{name}: {{}}"]
    return [f"{margin}{name}:", *(f"{margin}  {key}: {_scalar(value)}" for key, value in fields.items())]


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(value)}]"
    text = str(value)
    if _WORDS.fullmatch(text) and not _NOT_TEXT.fullmatch(text):
        return text
    stream = io.StringIO()
    writer = YAML()
    writer.width = 10_000
    writer.dump(DoubleQuotedScalarString(text), stream)
    return stream.getvalue().splitlines()[0]


def _plain(value: Any) -> Any:
    """Without what the reader remembers of the file."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
