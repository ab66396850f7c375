"""Logs are events: one JSON object a line, as Cloud Logging reads them from standard output.

Source of the field names: Cloud Logging, "Structured logging" (severity, message,
logging.googleapis.com/trace and /labels).
"""

import json
import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO

from tidegate.events import timestamp
from tidegate.reports import Report
from tidegate.verdicts import Verdict

_SEVERITY = {
    Verdict.DONE: "INFO",
    Verdict.DUPLICATE: "INFO",
    Verdict.FILTERED: "INFO",
    Verdict.BUSY: "INFO",
    Verdict.SHED: "WARNING",
    Verdict.RETRY: "WARNING",
    Verdict.DEAD: "ERROR",
}


def delivery_line(report: Report) -> dict[str, Any]:
    """The one line that every delivery ends in."""
    line: dict[str, Any] = {
        "severity": _SEVERITY[report.verdict],
        "message": f"{report.verdict} {report.event_id}" + (f": {report.reason}" if report.reason else ""),
        "action": "delivery",
        "time": timestamp(report.ended_at),
        "function": report.function,
        "verdict": str(report.verdict),
        "event_id": report.event_id,
        "event_type": report.event_type,
        "message_id": report.message_id,
        "attempt": report.attempt,
        "emitted": report.emitted,
        "duration_ms": round(report.duration_seconds * 1000, 3),
    }
    if report.latency_seconds is not None:
        line["latency_ms"] = round(report.latency_seconds * 1000, 3)
    if report.reason:
        line["reason"] = report.reason
    if report.detail:
        line["detail"] = report.detail
    if report.traceparent:
        line["traceparent"] = report.traceparent
    return line


def observer(stream: TextIO = sys.stdout) -> Callable[[Report], None]:
    """An observer for `Ports.observe` that writes each report as one line to ``stream``."""

    def observe(report: Report) -> None:
        # One write per line, so that lines of several threads never mix.
        stream.write(json.dumps(delivery_line(report)) + "\n")
        stream.flush()

    return observe


class JsonFormatter(logging.Formatter):
    """Formats what handlers log through `logging` the same way."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"severity": record.levelname, "message": record.getMessage(), "logger": record.name}
        if record.exc_info:
            line["detail"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure(stream: TextIO = sys.stdout) -> None:
    """Send every logger's lines, from INFO up, to ``stream`` as JSON."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
