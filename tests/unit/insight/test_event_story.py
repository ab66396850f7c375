"""The story of an event, from the lines of its trace."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.test_logs import REPORT, SETTINGS
from tidegate.errors import ConfigurationError
from tidegate.logs import delivery_line
from tidegate.reports import Report
from tidegate.testing.delivery import TRACE
from tidegate.traces import TraceContext
from tidegate.verdicts import Verdict
from tidegate_ops.insight.event_story import Story, tell
from tidegate_ops.insight.line_file import KeptLines, LineFile

pytestmark = pytest.mark.anyio


def report(function: str, event_id: str, parent: TraceContext, name: str, **changes: object) -> Report:
    changes = {"emitted": 0, **changes}
    return replace(REPORT, function=function, event_id=event_id, trace=parent.child(name), **changes)  # type: ignore[arg-type]


def keep(directory: Path, *reports: Report) -> KeptLines:
    file = LineFile(directory)
    for each in reports:
        file.note(each.function, json.dumps(delivery_line(each, SETTINGS)))
    file.close()
    return KeptLines(directory)


def drawn(story: Story) -> list[tuple[str, str, str]]:
    """(Function of the parent, function, event) of each chapter."""
    return [(above.function if above else "", each.function, each.event_id) for above, each in story.walk()]


async def test_each_is_below_what_it_comes_of(tmp_path: Path) -> None:
    """At whatever attempt; whichever of its events is asked for, all of the trace is told."""
    first = report("split", "e-1", TRACE, "a", verdict=Verdict.RETRY, attempt=1, reason="away")
    second = report("split", "e-1", TRACE, "b", attempt=2, emitted=3)
    left = report("pack", "e-2", second.trace, "c")
    dead = report("count", "e-2", second.trace, "d", verdict=Verdict.DEAD, reason="no number")
    right = report("pack", "e-3", second.trace, "e", emitted=1)
    filed = report("dead_letters", "count.e-2", dead.trace, "f")
    other = report("pack", "e-9", replace(TRACE, trace_id="1" * 32), "g")
    lines = keep(tmp_path, first, left, second, dead, right, filed, other)
    for event_id in ("e-1", "e-3"):
        story = await tell(lines, event_id)
        assert drawn(story) == [
            ("", "split", "e-1"),
            ("split", "pack", "e-2"),
            ("split", "count", "e-2"),
            ("count", "dead_letters", "count.e-2"),
            ("split", "pack", "e-3"),
        ]
    [root] = story.roots
    assert [each.verdict for each in root.deliveries] == [Verdict.RETRY, Verdict.DONE]
    assert (root.emitted, root.unseen) == (3, 1)
    assert root.children[2].unseen == 1
    assert not story.cut


async def test_a_lost_line_leaves_the_rest(tmp_path: Path) -> None:
    """What comes of nothing known stands by itself."""
    lost = report("split", "e-1", TRACE, "a")
    story = await tell(keep(tmp_path, report("pack", "e-2", lost.trace, "b")), "e-2")
    assert drawn(story) == [("", "pack", "e-2")]


async def test_an_unknown_event(tmp_path: Path) -> None:
    """The error says what to look at."""
    with pytest.raises(ConfigurationError, match="no delivery of event e-7"):
        await tell(keep(tmp_path), "e-7")
