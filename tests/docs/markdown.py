"""What the tests read out of a Markdown page."""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Fence:
    """A block of code.

    Attributes:
        intro: the paragraph right before it.
    """

    language: str
    text: str
    intro: str


@dataclass(frozen=True)
class Page:
    """A page, or a section of one."""

    text: str

    @classmethod
    def read(cls, path: Path) -> "Page":
        return cls(path.read_text(encoding="utf-8"))

    def section(self, title: str) -> "Page":
        """The part below a heading of the second level."""
        _, found, rest = self.text.partition(f"\n## {title}\n")
        assert found, f"no section {title!r}"
        return Page(rest.partition("\n## ")[0])

    def fences(self, *languages: str) -> list[Fence]:
        """Its blocks of code in order, of these languages or of all."""
        return [
            Fence(found["language"], textwrap.dedent(found["text"]), self._before(found.start()))
            for found in _FENCE.finditer(self.text)
            if not languages or found["language"] in languages
        ]

    def commands(self, program: str) -> set[str]:
        """Every command line of ``program``, in shell blocks and in code spans."""
        lines = [line for fence in self.fences("sh") for line in fence.text.splitlines()]
        spans = _SPAN.findall(_FENCE.sub("", self.text))
        return {" ".join(line.split()) for line in (*lines, *spans) if line.split()[0] == program}

    def rows(self, heading: str) -> list[list[str]]:
        """The cells of the table whose first column has this heading, without the heading itself."""
        _, found, rest = self.text.partition(f"\n| {heading} |")
        assert found, f"no table {heading!r}"
        lines = rest.partition("\n\n")[0].splitlines()[2:]
        return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]

    def links(self) -> list[str]:
        """The targets of its links."""
        return _LINK.findall(self.text)

    def anchors(self) -> set[str]:
        """What links may name its headings by."""
        headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", self.text), re.MULTILINE)
        return {re.sub(r"[^\w\s-]", "", heading).lower().replace(" ", "-") for heading in headings}

    def _before(self, position: int) -> str:
        return self.text[:position].rstrip().rpartition("\n\n")[2]
