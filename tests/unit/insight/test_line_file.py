"""Lines that a local stack keeps, and who asks for them."""

import json
import sys
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest

from tests.unit.test_logs import REPORT, SETTINGS
from tidegate.logs import delivery_line
from tidegate.testing import NOON
from tidegate.testing.clock import WorldClock
from tidegate.verdicts import Verdict
from tidegate_ops.insight.deliveries import Delivery
from tidegate_ops.insight.line_file import KeptLines, LineFile
from tidegate_ops.insight.lines import Line, LinesUnknown, Query, follow

pytestmark = pytest.mark.anyio
DELIVERY = json.dumps(delivery_line(REPORT, SETTINGS))
HANDLERS = json.dumps({"severity": "INFO", "message": "packing", "function": "pack", "event_id": "event-1"})


async def texts(directory: Path, **query: object) -> list[str]:
    return [each.text for each in await KeptLines(directory).recent(Query(**query))]  # type: ignore[arg-type]


@pytest.fixture
def clock() -> WorldClock:
    return WorldClock()


@pytest.fixture
def file(tmp_path: Path, clock: WorldClock) -> LineFile:
    """Three lines of two functions, a second apart: one of a delivery, one of its handler, one that is no JSON."""
    file = LineFile(tmp_path, clock=clock)
    for component, text in (("pack", HANDLERS), ("pack", DELIVERY), ("count", "ended; started again")):
        file.note(component, text)
        clock.advance(1)
    return file


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [HANDLERS, DELIVERY, "ended; started again"]),
        ({"limit": 2}, [DELIVERY, "ended; started again"]),
        ({"function": "pack"}, [HANDLERS, DELIVERY]),
        ({"event_id": "event-1"}, [HANDLERS, DELIVERY]),
        ({"event_id": "event"}, []),
        ({"trace_id": REPORT.trace.trace_id}, [DELIVERY]),
        ({"deliveries": True}, [DELIVERY]),
        ({"verdict": Verdict.DONE}, [DELIVERY]),
        ({"verdict": Verdict.DEAD}, []),
        ({"since": NOON + timedelta(seconds=1)}, [DELIVERY, "ended; started again"]),
    ],
)
async def test_what_fits_is_found(file: LineFile, tmp_path: Path, query: dict[str, object], found: list[str]) -> None:
    """The latest of it, in the order in which it was written."""
    assert await texts(tmp_path, **query) == found


async def test_a_delivery_is_read_from_its_line(file: LineFile, tmp_path: Path) -> None:
    """With what it says of the trace; a line that only looks like one is none."""
    [line] = await KeptLines(tmp_path).recent(Query(deliveries=True))
    delivery = Delivery.read(line)
    assert delivery is not None
    assert (delivery.function, delivery.verdict, delivery.attempt, delivery.at) == (
        "pack",
        Verdict.DONE,
        2,
        NOON + timedelta(seconds=1),
    )
    assert (delivery.trace_id, delivery.span_id) == (REPORT.trace.trace_id, REPORT.trace.span_id)
    fields = {"action": "delivery", "message": "", "verdict": "odd", "function": "pack"}
    assert Delivery.read(Line("1", NOON, "pack", "", fields)) is None


@pytest.mark.parametrize("event_id", ['a "quoted" one', "ü", "a\\b"])
async def test_odd_ids_are_found(tmp_path: Path, event_id: str) -> None:
    """However they are written in JSON."""
    file = LineFile(tmp_path)
    for ascii_only in (True, False):
        file.note("pack", json.dumps({"message": "x", "event_id": event_id}, ensure_ascii=ascii_only))
    assert len(await texts(tmp_path, event_id=event_id)) == 2


async def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    """The oldest segments make way; what is left is whole."""
    file = LineFile(tmp_path, segment_bytes=1000, segments=3)
    for number in range(200):
        file.note("pack", str(number))
    found = await texts(tmp_path, limit=1000)
    assert found == [str(number) for number in range(200 - len(found), 200)]
    assert 30 < len(found) < 100
    assert sum(each.stat().st_size for each in (tmp_path / "lines").iterdir()) < 4000


async def test_a_line_that_is_being_written_is_left_out(file: LineFile, tmp_path: Path) -> None:
    """It is read once its end is there."""
    [segment] = (tmp_path / "lines").iterdir()
    whole = segment.read_bytes()
    segment.write_bytes(whole[:-5])
    assert await texts(tmp_path) == [HANDLERS, DELIVERY]


async def test_many_threads_write_whole_lines(tmp_path: Path) -> None:
    """None is lost or mixed with another, also where segments change."""
    file = LineFile(tmp_path, segment_bytes=2000, segments=100)

    def write(name: str) -> None:
        for number in range(100):
            file.note(name, f"{name} {number}")

    threads = [Thread(target=write, args=(name,)) for name in "abcd"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(await texts(tmp_path, limit=1000)) == sorted(f"{name} {n}" for name in "abcd" for n in range(100))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a device that is always full")
async def test_a_full_disk(tmp_path: Path) -> None:
    """It is said, and what was kept before can be read; whoever stops keeping then is not held up."""
    file = LineFile(tmp_path, segment_bytes=1)
    file.note("pack", "kept")
    (tmp_path / "lines" / "000000001.ndjson").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        file.note("pack", "lost")
    file.close()
    (tmp_path / "lines" / "000000001.ndjson").unlink()
    assert await texts(tmp_path) == ["kept"]


async def test_a_stack_that_has_ended_is_said_so(tmp_path: Path) -> None:
    """Its directory is gone; nothing is kept after the end."""
    with pytest.raises(LinesUnknown, match="stopped"):
        await texts(tmp_path)
    file = LineFile(tmp_path)
    file.close()
    file.note("pack", "late")
    assert await texts(tmp_path) == []


async def test_following_tells_each_line_once(file: LineFile, tmp_path: Path, clock: WorldClock) -> None:
    """Those that are there first, then each that comes, also in bursts."""
    bursts = [["a", "b"], [], ["c"]]

    async def sleep(seconds: float) -> None:
        clock.advance(seconds)
        for text in bursts.pop(0):
            file.note("count", text)

    found: list[str] = []
    async for line in follow(KeptLines(tmp_path), Query(function="count", limit=1), clock=clock, sleep=sleep):
        found.append(line.text)
        if line.text == "c":
            break
    assert found == ["ended; started again", "a", "b", "c"]
