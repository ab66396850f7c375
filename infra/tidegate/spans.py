"""Spans: what is told of a piece of work to whoever collects traces.

Source of the names: OpenTelemetry's semantic conventions for messaging, HTTP and functions.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol, TypeAlias

from tidegate.messages import Outgoing
from tidegate.reports import Report
from tidegate.traces import TraceContext
from tidegate.verdicts import Verdict

Value: TypeAlias = str | int | bool
_SYSTEM = {"messaging.system": "gcp_pubsub"}
_FAILED = (Verdict.RETRY, Verdict.DEAD)


class Kind(StrEnum):
    """What a span is to the spans around it, in OpenTelemetry's words."""

    SERVER = "server"
    CONSUMER = "consumer"
    PRODUCER = "producer"


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of work that has ended.

    Attributes:
        links: spans that it follows besides its parent.
        error: what went wrong, in a word; empty where nothing did.
    """

    name: str
    kind: Kind
    trace: TraceContext
    began_at: datetime
    ended_at: datetime
    attributes: Mapping[str, Value] = field(default_factory=dict)
    links: tuple[TraceContext, ...] = ()
    error: str = ""


class Spans(Protocol):
    """Collects spans. Neither method raises, waits, or is needed for anything but telling."""

    def inside(self, trace: TraceContext) -> AbstractContextManager[object]:
        """While entered, spans that a handler's own libraries make are below ``trace``."""
        ...

    def end(self, span: Span) -> None:
        """Take a span that has ended; one that is not sampled is dropped."""
        ...


class NoSpans:
    """Implements `Spans` where nobody collects them."""

    def inside(self, trace: TraceContext) -> AbstractContextManager[object]:
        return nullcontext()

    def end(self, span: Span) -> None:
        pass


NO_SPANS = NoSpans()


def delivery_span(report: Report) -> Span:
    """The span of one delivery. Neither the payload nor what an error says of it is told."""
    failed = report.verdict in _FAILED
    attributes: dict[str, Value] = {
        **_SYSTEM,
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": report.topic,
        "messaging.destination.subscription.name": report.subscription,
        "messaging.message.id": report.message_id,
        "messaging.message.body.size": report.body_bytes,
        "cloudevents.event_id": report.event_id,
        "cloudevents.event_type": report.event_type,
        "faas.trigger": "pubsub",
        "tidegate.function": report.function,
        "tidegate.verdict": str(report.verdict),
        "tidegate.attempt": report.attempt,
        "tidegate.emitted": report.emitted,
        "tidegate.job": report.job,
        "error.type": (report.fault or "unavailable") if failed else "",
    }
    return Span(
        name=f"process {report.topic}",
        kind=Kind.CONSUMER,
        trace=report.trace,
        began_at=report.ended_at - timedelta(seconds=report.duration_seconds),
        ended_at=report.ended_at,
        attributes={name: value for name, value in attributes.items() if value != ""},
        links=report.links,
        error=str(report.verdict) if failed else "",
    )


def send_span(
    messages: Sequence[Outgoing], trace: TraceContext, began_at: datetime, ended_at: datetime, error: str
) -> Span:
    """The span of one publication; it links to the spans of which its messages come, other than its own parent."""
    topics = sorted({each.topic for each in messages})
    parents = {each.attributes.get("ce-traceparent", "") for each in messages}
    found = [parsed for each in sorted(parents) if (parsed := TraceContext.parse(each))]
    attributes: dict[str, Value] = {
        **_SYSTEM,
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.batch.message_count": len(messages),
    }
    if len(topics) == 1:
        attributes["messaging.destination.name"] = topics[0]
    if error:
        attributes["error.type"] = error
    return Span(
        name=f"send {topics[0]}" if len(topics) == 1 else "send",
        kind=Kind.PRODUCER,
        trace=trace,
        began_at=began_at,
        ended_at=ended_at,
        attributes=attributes,
        links=tuple(each for each in found if each.span_id != trace.parent_id),
        error=error,
    )


def request_span(
    trace: TraceContext, method: str, route: str, status: int, began_at: datetime, ended_at: datetime
) -> Span:
    """The span of one HTTP request; ``route`` is the path without what varies, empty where it is not known."""
    attributes: dict[str, Value] = {"http.request.method": method, "faas.trigger": "http"}
    if route:
        attributes["http.route"] = route
    if status:
        attributes["http.response.status_code"] = status
    failed = status == 0 or status >= 500
    if failed:
        attributes["error.type"] = str(status) if status else "unanswered"
    return Span(
        name=f"{method} {route}".rstrip(),
        kind=Kind.SERVER,
        trace=trace,
        began_at=began_at,
        ended_at=ended_at,
        attributes=attributes,
        error=str(attributes.get("error.type", "")),
    )
