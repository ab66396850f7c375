"""Logs are events: one JSON object a line, as Cloud Logging reads them from standard output.

Source of the field names: Cloud Logging, "Structured logging" (severity, message and the
``logging.googleapis.com/`` fields), and Error Reporting, "Format a log entry to report error events"
(``stack_trace``, ``serviceContext``, ``@type``). docs/observability.md lists the fields.
"""

import json
import logging
import sys
from collections.abc import Callable
from typing import Any, TextIO

from pydantic_core import to_json

from tidegate.events import timestamp
from tidegate.log_settings import LogSettings
from tidegate.records import storable
from tidegate.redaction import without_data, without_secrets
from tidegate.reports import Report
from tidegate.traces import TraceContext, is_among
from tidegate.verdicts import Verdict
from tidegate.work import current

_SEVERITY = {
    Verdict.DONE: "INFO",
    Verdict.DUPLICATE: "INFO",
    Verdict.FILTERED: "INFO",
    Verdict.BUSY: "INFO",
    Verdict.SHED: "WARNING",
    Verdict.RETRY: "WARNING",
    Verdict.DEAD: "ERROR",
}
_GOOGLE = "logging.googleapis.com"
_TRACE, _SPAN, _SAMPLED, _LABELS = (f"{_GOOGLE}/{name}" for name in ("trace", "spanId", "trace_sampled", "labels"))
_REPORTED_ERROR = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
_TRACEBACK = "Traceback (most recent call last):"


def delivery_line(report: Report, settings: LogSettings) -> dict[str, Any]:
    """The one line that every delivery ends in."""
    reason = _redacted(report.reason, report.data, settings)
    weight = settings.weight(report.verdict)
    line: dict[str, Any] = {
        "severity": _SEVERITY[report.verdict],
        "message": f"{report.verdict} {report.event_id}" + (f": {reason}" if reason else ""),
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
        "weight": weight,
        **_trace_fields(report.trace, settings),
        **_labels(report.function, report.event_id, report.attempt, report.job),
    }
    if report.latency_seconds is not None:
        line["latency_ms"] = round(report.latency_seconds * 1000, 3)
    named = {"parent_span": report.trace.parent_id, "job": report.job, "fault": report.fault, "reason": reason}
    line |= {name: value for name, value in named.items() if value}
    if report.detail:
        line["stack_trace"] = _redacted(_whole(report.detail), report.data, settings)
    if report.detail or report.verdict is Verdict.DEAD:
        line["serviceContext"] = settings.service_context
    if report.verdict is Verdict.DEAD:
        # Without a traceback errors are grouped by where they are said to have happened.
        line |= {"@type": _REPORTED_ERROR, "context": {"reportLocation": {"functionName": report.function}}}
    return line


def observer(settings: LogSettings, stream: TextIO = sys.stdout) -> Callable[[Report], None]:
    """An observer for `Ports.observe` that writes each report, of those that are to be logged, to ``stream``."""

    def observe(report: Report) -> None:
        if not is_among(report.trace.trace_id, settings.share(report.verdict)):
            return
        # One write per line, so that lines of several threads never mix.
        stream.write(to_json(delivery_line(report, settings), ensure_ascii=True).decode() + "\n")
        stream.flush()

    return observe


class JsonFormatter(logging.Formatter):
    """Formats what handlers log through `logging` the same way, and says which delivery it belongs to."""

    def __init__(self, settings: LogSettings) -> None:
        super().__init__()
        self._settings = settings

    def format(self, record: logging.LogRecord) -> str:
        work = current()
        data = work.data if work and record.exc_info else b""
        line: dict[str, Any] = {
            "severity": record.levelname,
            "message": without_secrets(record.getMessage()),
            "logger": record.name,
        }
        if work:
            line |= {"function": work.function, **_trace_fields(work.trace, self._settings)}
            named = {"event_id": work.event_id, "attempt": work.attempt, "job": work.job}
            line |= {name: value for name, value in named.items() if value}
            line |= _labels(work.function, work.event_id, work.attempt, work.job)
        if record.exc_info:
            line["stack_trace"] = _redacted(self.formatException(record.exc_info), data, self._settings)
            line["serviceContext"] = self._settings.service_context
        return json.dumps(line)


def configure(settings: LogSettings, stream: TextIO = sys.stdout) -> None:
    """Send every logger's lines, from INFO up, to ``stream`` as JSON."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(settings))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # On Google Cloud functions-framework configures logging once it has imported the function, which turns off every
    # logger that there is by then.
    for each in list(logging.root.manager.loggerDict.values()):
        if isinstance(each, logging.Logger):
            each.disabled = False


def _trace_fields(trace: TraceContext, settings: LogSettings) -> dict[str, Any]:
    return {
        _TRACE: f"projects/{settings.project}/traces/{trace.trace_id}",
        _SPAN: trace.span_id,
        _SAMPLED: trace.sampled,
    }


def _labels(function: str, event_id: str, attempt: int, job: str) -> dict[str, dict[str, str]]:
    """What entries are found by; the same for a delivery's own line and for all that its handler logs."""
    labels = {"function": function, "event_id": event_id, "attempt": str(attempt) if attempt else "", "job": job}
    return {_LABELS: {name: value for name, value in labels.items() if value}}


def _redacted(text: str, data: bytes, settings: LogSettings) -> str:
    text = storable(without_secrets(text))
    return text if settings.shows_data else without_data(text, data)


def _whole(detail: str) -> str:
    """A traceback of which only the end was kept, with the first line by which it is known for one."""
    first, ended, rest = detail.partition("\n")
    return detail if _TRACEBACK in first or not ended else f"{_TRACEBACK}\n{rest}"
