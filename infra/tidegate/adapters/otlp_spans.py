"""Spans by OpenTelemetry's protocol, OTLP over HTTP; to Cloud Trace or to any other collector.

Needs ``opentelemetry-exporter-otlp-proto-http``, which no function has unless its requirements name it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opentelemetry import context as otel_context
from opentelemetry import trace as otel
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode

from tidegate.settings import Settings
from tidegate.spans import Kind, Span
from tidegate.traces import TraceContext

if TYPE_CHECKING:
    import requests

_KINDS = {Kind.SERVER: SpanKind.SERVER, Kind.CONSUMER: SpanKind.CONSUMER, Kind.PRODUCER: SpanKind.PRODUCER}
_CLOUD_TRACE = "telemetry.googleapis.com"
_SCOPE = "https://www.googleapis.com/auth/trace.append"


class OtlpSpans:
    """Implements `tidegate.spans.Spans`.

    Spans wait in memory and are sent in batches by a thread; what cannot be sent is lost, and logged by the library.
    OpenTelemetry's global provider is this one's, so that spans of handlers' own libraries go the same way.
    """

    def __init__(self, settings: Settings) -> None:
        """Where to send to, and how, is read from OpenTelemetry's own variables."""
        self._resource = Resource.create(_resource(settings))
        self._processor = BatchSpanProcessor(OTLPSpanExporter(session=_session(settings.environment)))
        provider = TracerProvider(resource=self._resource, sampler=ParentBased(ALWAYS_ON))
        provider.add_span_processor(self._processor)
        otel.set_tracer_provider(provider)
        self._scope = InstrumentationScope("tidegate")

    @contextmanager
    def inside(self, trace: TraceContext) -> Iterator[None]:
        token = otel_context.attach(otel.set_span_in_context(NonRecordingSpan(_context(trace))))
        try:
            yield
        finally:
            otel_context.detach(token)

    def end(self, span: Span) -> None:
        if not span.trace.sampled:
            return
        self._processor.on_end(
            ReadableSpan(
                name=span.name,
                context=_context(span.trace),
                parent=_parent(span.trace),
                resource=self._resource,
                attributes=span.attributes,
                links=[Link(_context(each)) for each in span.links],
                kind=_KINDS[span.kind],
                status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
                start_time=_nanoseconds(span.began_at),
                end_time=_nanoseconds(span.ended_at),
                instrumentation_scope=self._scope,
            )
        )

    def flush(self) -> bool:
        """Send what waits; returns whether it was sent."""
        return self._processor.force_flush()


def _resource(settings: Settings) -> dict[str, str]:
    """Who makes the spans; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES count more."""
    environment = settings.environment
    return {
        "service.name": environment.get("OTEL_SERVICE_NAME") or environment.get("K_SERVICE") or "tidegate",
        "service.version": environment.get("K_REVISION", ""),
        "faas.name": environment.get("K_SERVICE", ""),
        "gcp.project_id": settings.project,
    }


def _session(environment: Mapping[str, str]) -> "requests.Session | None":
    """Cloud Trace wants Google's credentials, the function's own; other collectors take what the variables say."""
    named = environment.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    if urlsplit(named).hostname != _CLOUD_TRACE:
        return None
    import google.auth
    from google.auth.transport.requests import AuthorizedSession

    credentials, _ = google.auth.default(scopes=[_SCOPE])
    session: requests.Session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    return session


def _context(trace: TraceContext) -> SpanContext:
    return SpanContext(
        int(trace.trace_id, 16),
        int(trace.span_id, 16),
        is_remote=True,
        trace_flags=TraceFlags(trace.flags),
        trace_state=TraceState.from_header([trace.state]) if trace.state else TraceState(),
    )


def _parent(trace: TraceContext) -> SpanContext | None:
    if not trace.parent_id:
        return None
    return SpanContext(int(trace.trace_id, 16), int(trace.parent_id, 16), is_remote=True)


def _nanoseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1_000
