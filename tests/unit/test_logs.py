"""Logs: one line a delivery, as Cloud Logging reads it."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.worlds import NOON
from tidegate.logs import configure, delivery_line, observer
from tidegate.reports import Report
from tidegate.verdicts import Verdict

REPORT = Report(
    function="pack",
    verdict=Verdict.DONE,
    event_id="event-1",
    event_type="order.placed",
    message_id="m-1",
    attempt=2,
    emitted=3,
    reason="",
    detail="",
    duration_seconds=0.0123456,
    latency_seconds=None,
    ended_at=NOON,
)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """The stream that logging is configured to write to, for the time of a test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    lines = io.StringIO()
    configure(lines)
    yield lines
    root.handlers[:] = handlers
    root.setLevel(level)


def written(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_good_delivery() -> None:
    """The line says who, what, how often and how long; what is unknown is left out."""
    assert delivery_line(REPORT) == {
        "severity": "INFO",
        "message": "done event-1",
        "action": "delivery",
        "time": "2013-02-08T12:00:00.000000Z",
        "function": "pack",
        "verdict": "done",
        "event_id": "event-1",
        "event_type": "order.placed",
        "message_id": "m-1",
        "attempt": 2,
        "emitted": 3,
        "duration_ms": 12.346,
    }


def test_a_bad_delivery() -> None:
    """The reason is in the message too, for who reads only that."""
    report = replace(
        REPORT, verdict=Verdict.DEAD, reason="no box", detail="Traceback", latency_seconds=1.5, traceparent="00-a-b-01"
    )
    line = delivery_line(report)
    assert (line["severity"], line["message"]) == ("ERROR", "dead event-1: no box")
    assert (line["reason"], line["detail"]) == ("no box", "Traceback")
    assert (line["latency_ms"], line["traceparent"]) == (1500, "00-a-b-01")


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_a_severity(verdict: Verdict) -> None:
    """Nothing that a delivery ends in goes unrated."""
    assert delivery_line(replace(REPORT, verdict=verdict))["severity"] in ("INFO", "WARNING", "ERROR")


def test_each_report_is_one_line() -> None:
    """Line breaks and odd characters inside a reason split nothing."""
    lines = io.StringIO()
    observe = observer(lines)
    observe(REPORT)
    observe(replace(REPORT, reason="two\nlines \ud800"))
    assert [each["event_id"] for each in written(lines)] == ["event-1"] * 2


def test_handlers_own_lines(stream: io.StringIO) -> None:
    """What handlers log comes out in the same form, with the traceback."""
    log = logging.getLogger("orders")
    log.debug("not this")
    log.info("packed %s", "o-1")
    try:
        raise ValueError("no box")
    except ValueError:
        log.exception("failed")
    packed, failed = written(stream)
    assert packed == {"severity": "INFO", "message": "packed o-1", "logger": "orders"}
    assert (failed["severity"], failed["detail"].splitlines()[-1]) == ("ERROR", "ValueError: no box")
