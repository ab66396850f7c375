"""A YAML file that remembers on which line each of its values stands."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from tidegate.errors import ConfigurationError

Location = tuple[int | str, ...]
"""Where a value stands: keys and list indexes, from the outermost inwards."""


class YamlError(ConfigurationError):
    """The file cannot be read as YAML; the message names file, line and fault."""


@dataclass(frozen=True, slots=True)
class YamlSource:
    """What a YAML file holds.

    Attributes:
        label: the file as messages name it, relative to the working directory where that is shorter.
        content: the values; maps and lists still know their lines.
    """

    label: str
    content: Any

    @classmethod
    def read(cls, path: Path) -> "YamlSource":
        """Read a file of one YAML document.

        Raises:
            YamlError: it is missing, no UTF-8 text or no YAML; a repeated key counts as a fault.
        """
        label = label_of(path)
        try:
            return cls(label, YAML(typ="rt", pure=True).load(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise YamlError(f"{label}:1: cannot be read ({error.strerror}); create it or name another file") from error
        except UnicodeDecodeError as error:
            raise YamlError(f"{label}:1: is no UTF-8 text; save it as UTF-8") from error
        except YAMLError as error:
            raise YamlError(f"{label}:{_marked_line(error)}: {_explain(error)}") from error

    def json_text(self) -> str:
        """The content as JSON; dates and other YAML-only scalars become text.

        Raises:
            YamlError: the content contains itself.
        """
        try:
            return json.dumps(self.content, default=str)
        except (ValueError, RecursionError) as error:
            raise YamlError(f"{self.label}:1: an anchor contains its own alias; write the values out") from error

    def line(self, location: Location) -> int:
        """The line of a value, or of the innermost parent that is there; counted from 1."""
        node, line = self.content, 1
        for part in location:
            if isinstance(node, CommentedMap):
                key = next((key for key in node if str(key) == str(part)), None)
                if key is None:
                    return line
                # A key that came in through a merge (`<<`) has no line of its own here.
                line = node.lc.key(key)[0] + 1 if key in (node.lc.data or {}) else line
                node = node[key]
            elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
                line, node = node.lc.item(part)[0] + 1, node[part]
            else:
                return line
        return line


def label_of(path: Path) -> str:
    """How messages name a file: relative to the working directory if it lies below it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path)


def _marked_line(error: YAMLError) -> int:
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    return mark.line + 1 if mark else 1


def _explain(error: YAMLError) -> str:
    problem = getattr(error, "problem", None) or str(error)
    if "duplicate key" in problem:
        return f"{problem}; keep one of the two"
    if "\\t" in problem:
        return f"{problem}; indent with spaces"
    return f"{problem}; correct the YAML here or on the line above"
