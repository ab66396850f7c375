"""Telemetry: ports whose work is told to a collector of traces, where the environment names one."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from tidegate.messages import Outgoing
from tidegate.ports import Ports
from tidegate.reports import Report
from tidegate.settings import Settings
from tidegate.spans import Spans, delivery_span, send_span
from tidegate.work import current

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""OpenTelemetry's own variables; one of them switches the export on."""
PACKAGE = "opentelemetry-exporter-otlp-proto-http"

_log = logging.getLogger(__name__)


def collected(ports: Ports, settings: Settings) -> Ports:
    """The ports, and their spans exported where the environment says to whom.

    No function fails for its telemetry: where the exporter is missing, that is said once, and trace context still
    travels.
    """
    wanted = next((name for name in ENDPOINTS if settings.environment.get(name)), "")
    if not wanted or settings.environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return ports
    try:
        from tidegate.adapters.otlp_spans import OtlpSpans
    except ImportError as error:
        _log.warning(
            "%s is set, but no spans are exported: %s; add %s to the requirements.txt of this function",
            *(wanted, error, PACKAGE),
        )
        return ports
    try:
        return told(ports, OtlpSpans(settings))
    except Exception:  # whatever it is that the exporter cannot be made of
        _log.exception("%s is set, but no spans are exported", wanted)
        return ports


def told(ports: Ports, spans: Spans) -> Ports:
    """The ports, with deliveries and publications told to ``spans``."""

    def observe(report: Report) -> None:
        ports.observe(report)
        spans.end(delivery_span(report))

    return replace(ports, observe=observe, spans=spans, publisher=_ToldPublisher(ports, spans))


class _ToldPublisher:
    """Implements `tidegate.ports.Publisher` by another, and tells how long it took."""

    def __init__(self, ports: Ports, spans: Spans) -> None:
        self._ports = ports
        self._publisher = ports.publisher
        self._spans = spans
        self._clock = ports.clock

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        work = current()
        if work is None or not messages:
            return await self._publisher.publish(messages)
        began_at, error = self._clock(), ""
        try:
            await self._publisher.publish(messages)
        except BaseException as failure:
            error = type(failure).__name__
            raise
        finally:
            trace = work.trace.child(self._ports.draw())
            self._spans.end(send_span(messages, trace, began_at, self._clock(), error))
