"""Adding to the topology's text: what was there stays as it is."""

from pathlib import Path

import pytest

from tidegate.errors import ConfigurationError
from tidegate_ops.scaffold.topology_text import TopologyText

TEXT = """\
# The desk.
application: desk # its name

topics:
    order.placed: {}   # four blanks
    # What became of it:
    order.packed:
        description: "Quoted: kept"
        # a note on order.packed
    # What nobody wants:
    dead.letters: {}

functions:
  pack_order:
    topic: order.placed # the first

  # Comes along.
  dead_letters: { topic: dead.letters, attempts: null }

limits: {}
"""


def added(tmp_path: Path, text: str, section: str, name: str, fields: dict[str, object]) -> str:
    path = tmp_path / "topology.yaml"
    path.write_bytes(text.encode())
    topology = TopologyText(path)
    topology.add(section, name, fields, before=["dead.letters", "dead_letters"])
    return str(topology)


def test_a_topic_stands_before_those_of_the_system(tmp_path: Path) -> None:
    """It has the indentation of its neighbours; their comments stay with them."""
    text = added(tmp_path, TEXT, "topics", "order.sent", {"description": "It left."})
    line = "        # a note on order.packed\n"
    assert text == TEXT.replace(line, f"{line}    order.sent:\n      description: It left.\n")


def test_a_function_is_set_off_as_its_neighbours_are(tmp_path: Path) -> None:
    """An empty line stands between functions that have one between them."""
    fields = {"topic": "order.packed", "emits": ["a.b", "c.d"], "ordered": True}
    text = added(tmp_path, TEXT, "functions", "send_order", fields)
    entry = "  send_order:\n    topic: order.packed\n    emits: [a.b, c.d]\n    ordered: true\n"
    assert text == TEXT.replace("# the first\n", f"# the first\n\n{entry}")


@pytest.mark.parametrize("head", ["topics: {}", "topics:", "topics: {} # none yet", "topics: null"])
def test_an_empty_section_is_opened(tmp_path: Path, head: str) -> None:
    """Its comment stays."""
    text = added(tmp_path, f"{head}\nlimits: {{}}\n", "topics", "order.sent", {})
    comment = " # none yet" if "#" in head else ""
    assert text == f"topics:{comment}\n  order.sent: {{}}\nlimits: {{}}\n"


def test_a_missing_section_is_added(tmp_path: Path) -> None:
    """At the end of the file."""
    assert added(tmp_path, "limits: {}\n", "topics", "a.b", {}) == "limits: {}\n\ntopics:\n  a.b: {}\n"


def test_a_section_of_the_system_alone_gets_its_first_of_ones_own(tmp_path: Path) -> None:
    """Which stands at its top."""
    text = added(tmp_path, "topics:\n  # Comes along.\n  dead.letters: {}\n", "topics", "a.b", {})
    assert text == "topics:\n  a.b: {}\n  # Comes along.\n  dead.letters: {}\n"


def test_line_ends_stay(tmp_path: Path) -> None:
    """A file with the line ends of Windows keeps them."""
    text = added(tmp_path, TEXT.replace("\n", "\r\n"), "topics", "order.sent", {})
    assert text.count("\r\n") == text.count("\n") == TEXT.count("\n") + 1


@pytest.mark.parametrize("words", ["Yes", "no.", "a: b", "- a", "50%", "# one", 'the "best"', "Ünder", "null", "2013"])
def test_any_words_are_text(tmp_path: Path, words: str) -> None:
    """What YAML would take for something else is quoted; what is read back is what was given."""
    text = added(tmp_path, TEXT, "topics", "order.sent", {"description": words})
    path = tmp_path / "again.yaml"
    path.write_text(text, encoding="utf-8")
    assert TopologyText(path).source.content["topics"]["order.sent"]["description"] == words


@pytest.mark.parametrize("line", ["topics: {a.b: {}, c.d: {}}", "topics: {a.b: {},\n  c.d: {}}"])
def test_a_section_in_one_line_is_refused(tmp_path: Path, line: str) -> None:
    """The message says where, and what to do."""
    with pytest.raises(ConfigurationError, match=r"topology.yaml:1: topics is written in one line; write each"):
        added(tmp_path, f"{line}\n", "topics", "e.f", {})
