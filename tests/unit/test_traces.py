"""Trace context: read, handed on and begun as W3C Trace Context says it."""

from dataclasses import replace

import pytest

from tidegate.errors import ConfigurationError
from tidegate.testing.delivery import TRACE
from tidegate.traces import LINK, Sampling, TraceContext, is_among, links_in

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_context_survives_the_wire() -> None:
    """What is written is read back, the state as it came."""
    read = TraceContext.parse(PARENT, "desk=1,shop=2")
    assert read == replace(TRACE, state="desk=1,shop=2")
    assert read.extensions() == {"traceparent": PARENT, "tracestate": "desk=1,shop=2"}
    assert TRACE.extensions() == {"traceparent": PARENT}


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "nonsense",
        PARENT.upper(),
        PARENT.replace("00-", "ff-", 1),
        f"{PARENT}-more",
        PARENT.replace("b7ad6b7169203331", "0" * 16),
        PARENT.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32),
        f"01-{PARENT[3:]}-{'x' * 500}",
    ],
)
def test_a_malformed_context_is_none(parent: str) -> None:
    """It is not carried on, and nothing fails for it."""
    assert TraceContext.parse(parent) is None


def test_later_versions() -> None:
    """They are read as far as this one goes, and flags that are not known are not handed on."""
    read = TraceContext.parse(f"01-{PARENT[3:-2]}ff-more")
    assert read is not None
    assert read.traceparent == f"{PARENT[:-2]}03"


@pytest.mark.parametrize("state", ["x" * 513, "two\nlines", "é"])
def test_a_state_that_cannot_be_carried(state: str) -> None:
    """It is dropped by itself."""
    assert TraceContext.parse(PARENT, state) == TRACE


def test_a_delivery_is_below_its_publisher() -> None:
    """The trace, its state and its flag go on; each delivery has a span of its own."""
    attributes = {"ce-traceparent": PARENT, "ce-tracestate": "desk=1"}
    first, second = (Sampling().delivered(attributes, "e-1", name) for name in ("a", "b"))
    for each in (first, second):
        assert (each.trace_id, each.parent_id, each.state) == (TRACE.trace_id, TRACE.span_id, "desk=1")
        assert each.sampled
    assert len({first.span_id, second.span_id, TRACE.span_id}) == 3


def test_googles_own_clients_are_understood() -> None:
    """A plain message that was published with their tracing belongs to the publisher's trace."""
    assert Sampling().delivered({"googclient_traceparent": PARENT}, "e-1", "a").parent_id == TRACE.span_id


def test_all_deliveries_of_an_event_are_in_one_trace() -> None:
    """Also of one that came without: its retries and its redrives are found together."""
    traces = [Sampling().delivered({}, event, name) for event, name in (("e-1", "a"), ("e-1", "b"), ("e-2", "c"))]
    assert traces[0].trace_id == traces[1].trace_id != traces[2].trace_id
    assert {each.parent_id for each in traces} == {""}
    assert len({each.span_id for each in traces}) == 3


def test_a_request_begins_a_trace_or_goes_on_with_one() -> None:
    """As its headers say."""
    assert Sampling().requested(PARENT, "", "a").trace_id == TRACE.trace_id
    first, second = (Sampling().requested("", "", name) for name in ("a", "b"))
    assert first.trace_id != second.trace_id


@pytest.mark.parametrize(
    ("sampler", "argument", "alone", "asked", "not_asked"),
    [
        ("", "", True, True, False),
        ("always_on", "", True, True, True),
        ("parentbased_always_off", "", False, True, False),
        ("always_off", "", False, False, False),
        ("parentbased_traceidratio", "0", False, True, False),
        ("traceidratio", "1", True, True, True),
    ],
)
def test_samplers(sampler: str, argument: str, alone: bool, asked: bool, not_asked: bool) -> None:
    """OpenTelemetry's own: a trace that begins here, one that the caller samples, and one that it does not."""
    named = {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument}
    sampling = Sampling.read({name: value for name, value in named.items() if value})
    unsampled = f"{PARENT[:-2]}00"
    found = [sampling.requested(parent, "", "a").sampled for parent in ("", PARENT, unsampled)]
    assert found == [alone, asked, not_asked]


@pytest.mark.parametrize("wrong", [{"OTEL_TRACES_SAMPLER": "some"}, {"OTEL_TRACES_SAMPLER_ARG": "2"}])
def test_wrong_samplers(wrong: dict[str, str]) -> None:
    """They are named, with what to write."""
    with pytest.raises(ConfigurationError, match="OTEL_TRACES_SAMPLER"):
        Sampling.read({"OTEL_TRACES_SAMPLER": "traceidratio", **wrong})


def test_shares() -> None:
    """A share of the traces is as large as it says, and a larger one contains it."""
    traces = [f"{number:032x}" for number in range(0, 2**64, 2**58)]
    few, more = ({each for each in traces if is_among(each, share)} for share in (0.25, 0.5))
    assert (len(few), len(more)) == (16, 32)
    assert few < more
    assert not any(is_among(each, 0) for each in traces)
    assert all(is_among(each, 1) for each in traces)


def test_links() -> None:
    """A message names at most one span more; a malformed one is none."""
    assert links_in({LINK: PARENT}) == (TRACE,)
    assert links_in({LINK: "x"}) == links_in({}) == ()
