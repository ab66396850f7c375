"""Trace context: which trace something belongs to, and which span it comes of.

Source of the format: W3C Trace Context (``traceparent``, ``tracestate``). It is carried on whether or not anybody
collects spans, so nothing here needs a telemetry library.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tidegate.errors import ConfigurationError
from tidegate.events import digest

LINK = "tidegate-link"
"""The attribute that names a span which an event follows besides the one that it comes of."""

_TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_MAX_PARENT_CHARACTERS = 512
_MAX_STATE_CHARACTERS = 512  # as many as the specification wants to be carried on at least
_SAMPLED, _KNOWN_FLAGS = 0b01, 0b11
# What a dead letter, an event, and a message of Google's own Pub/Sub clients name their traces with.
_ATTRIBUTES = tuple((f"{each}traceparent", f"{each}tracestate") for each in ("tidegate-dead-", "ce-", "googclient_"))


@dataclass(frozen=True, slots=True)
class TraceContext:
    """One span, as others refer to it.

    Attributes:
        trace_id, span_id: 32 and 16 hex digits.
        flags: the specification's, those that are known; see `sampled`.
        state: ``tracestate``, what tracing systems tell one another; handed on as it is.
        parent_id: the span that it comes of; empty for the first of a trace, and where nobody knows.
    """

    trace_id: str
    span_id: str
    flags: int = 0
    state: str = ""
    parent_id: str = ""

    @classmethod
    def parse(cls, parent: str, state: str = "") -> "TraceContext | None":
        """Read ``traceparent`` and ``tracestate``; None where it is malformed, as the specification wants it."""
        found = _TRACEPARENT.fullmatch(parent) if 0 < len(parent) <= _MAX_PARENT_CHARACTERS else None
        if found is None or (found[1] == "00" and found[5]):
            return None
        fits = len(state) <= _MAX_STATE_CHARACTERS and state.isascii() and state.isprintable()
        return cls(found[2], found[3], int(found[4], 16) & _KNOWN_FLAGS, state if fits else "")

    @property
    def sampled(self) -> bool:
        """Whether its spans are to be collected."""
        return bool(self.flags & _SAMPLED)

    @property
    def traceparent(self) -> str:
        """The header of that name."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"

    def extensions(self) -> dict[str, str]:
        """The CloudEvents extensions that hand it on."""
        return {"traceparent": self.traceparent, **({"tracestate": self.state} if self.state else {})}

    def child(self, name: str) -> "TraceContext":
        """A span below this one; ``name`` is a random one, drawn for it."""
        return TraceContext(self.trace_id, _span_id(name), self.flags, self.state, self.span_id)


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which traces are collected; decided once, where a trace begins.

    Attributes:
        share: of the traces that begin here, from 0 to 1.
        heeds_callers: whether a caller's own decision counts more.
    """

    share: float = 1.0
    heeds_callers: bool = True

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Sampling":
        """Read OpenTelemetry's own variables.

        Raises:
            ConfigurationError: they name a sampler that is not known, or a share that is none.
        """
        name = environment.get("OTEL_TRACES_SAMPLER", "parentbased_always_on")
        own = name.removeprefix("parentbased_")
        shares = {"always_on": "1", "always_off": "0", "traceidratio": environment.get("OTEL_TRACES_SAMPLER_ARG", "1")}
        if own not in shares:
            raise ConfigurationError(
                f"OTEL_TRACES_SAMPLER is {name!r}: write {', '.join(shares)}, or one of them after parentbased_"
            )
        return cls(share_of(shares[own], "OTEL_TRACES_SAMPLER_ARG"), own != name)

    def of(self, parent: TraceContext | None, trace_id: str) -> bool:
        """Whether the spans of this trace are collected that come of ``parent``, or of nothing known."""
        return parent.sampled if parent is not None and self.heeds_callers else is_among(trace_id, self.share)

    def delivered(self, attributes: Mapping[str, str], event_id: str, name: str) -> TraceContext:
        """The span of one delivery of an event.

        An event without a trace begins one, named after the event: all its deliveries are in it.

        Args:
            attributes: the message's.
            name: a random one, drawn for this delivery.
        """
        for parent_name, state_name in _ATTRIBUTES:
            if parent := TraceContext.parse(attributes.get(parent_name, ""), attributes.get(state_name, "")):
                return self._below(parent, name)
        return self.begun(event_id, name)

    def requested(self, parent: str, state: str, name: str) -> TraceContext:
        """The span of one HTTP request with these headers; ``name`` is a random one, drawn for it."""
        caller = TraceContext.parse(parent, state)
        return self._below(caller, name) if caller is not None else self.begun(name, name)

    def begun(self, seed: str, name: str) -> TraceContext:
        """The first span of a trace that is the same for the same ``seed``."""
        trace_id = digest("trace", seed)[:32]
        return TraceContext(trace_id, _span_id(name), int(self.of(None, trace_id)))

    def _below(self, parent: TraceContext, name: str) -> TraceContext:
        flags = parent.flags & ~_SAMPLED | int(self.of(parent, parent.trace_id))
        return TraceContext(parent.trace_id, _span_id(name), flags, parent.state, parent.span_id)


EVERY_TRACE = Sampling()


def trace_extensions(attributes: Mapping[str, str]) -> dict[str, str]:
    """The CloudEvents extensions among an event's attributes that say which trace it belongs to."""
    return {name: attributes[f"ce-{name}"] for name in ("traceparent", "tracestate") if f"ce-{name}" in attributes}


def links_in(attributes: Mapping[str, str]) -> tuple[TraceContext, ...]:
    """The spans that a message names besides the one that it comes of."""
    link = TraceContext.parse(attributes.get(LINK, ""))
    return (link,) if link else ()


def is_among(trace_id: str, share: float) -> bool:
    """Whether a trace is among so large a share of them; whoever asks with the same share gets the same answer."""
    return int(trace_id[-16:], 16) < share * 2**64


def share_of(text: str, name: str) -> float:
    """The share that a setting spells.

    Raises:
        ConfigurationError: it is no number from 0 to 1.
    """
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ConfigurationError(f"{name} is {text!r}: write a share from 0 to 1, such as 0.1")
    return share


def _span_id(name: str) -> str:
    return digest("span", name)[:16]
