"""Spans: what a delivery, a publication and a request tell of themselves, by OpenTelemetry's names."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from opentelemetry.semconv import attributes as stable
from opentelemetry.semconv._incubating import attributes as incubating

from tests.orders import OrderPacked, OrderPlaced, order
from tests.unit.front_door import Door, client
from tidegate import Context, Emission, Reject, emit
from tidegate.dead_letters import DeadLetter
from tidegate.errors import PublishFailed
from tidegate.messages import Message
from tidegate.spans import Kind, Span, request_span
from tidegate.telemetry import told
from tidegate.testing import NOON, World
from tidegate.testing.delivery import TRACE, arriving
from tidegate.traces import LINK, Sampling, TraceContext
from tidegate.verdicts import Verdict

pytestmark = pytest.mark.anyio

PARENT = MappingProxyType(TRACE.extensions())


@dataclass
class Collected:
    """Implements `tidegate.spans.Spans`; keeps them."""

    spans: list[Span] = field(default_factory=list)
    inside_of: list[TraceContext] = field(default_factory=list)

    def inside(self, trace: TraceContext) -> AbstractContextManager[object]:
        self.inside_of.append(trace)
        return nullcontext()

    def end(self, span: Span) -> None:
        self.spans.append(span)

    def named(self, name: str) -> Span:
        [found] = [each for each in self.spans if each.name == name]
        return found


async def pack(placed: OrderPlaced, ctx: Context) -> list[OrderPacked]:
    """The handler that most tests trace."""
    if placed.items == 0:
        raise Reject("nothing to pack")
    return [OrderPacked(parcel=number) for number in range(placed.items)]


@pytest.fixture
def collected() -> Collected:
    return Collected()


@pytest.fixture
def world(collected: Collected) -> World:
    """A world whose spans are collected."""
    world = World()
    world.ports = told(world.ports, collected)
    return world


async def test_a_delivery_and_its_publication(world: World, collected: Collected) -> None:
    """The delivery is below what published the event, the publication below the delivery."""
    await world.engine(pack).deliver(order(items=2, extensions=PARENT))
    delivery, publication = collected.named("process order.placed"), collected.named("send order.packed")
    assert (delivery.kind, delivery.trace.parent_id, delivery.error) == (Kind.CONSUMER, TRACE.span_id, "")
    assert delivery.attributes == {
        "messaging.system": "gcp_pubsub",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "order.placed",
        "messaging.message.id": "message-of-event-1",
        "messaging.message.body.size": len(OrderPlaced(items=2).to_json()),
        "cloudevents.event_id": "event-1",
        "cloudevents.event_type": "order.placed",
        "faas.trigger": "pubsub",
        "tidegate.function": "pack",
        "tidegate.verdict": "done",
        "tidegate.attempt": 1,
        "tidegate.emitted": 2,
    }
    assert (publication.kind, publication.trace.parent_id) == (Kind.PRODUCER, delivery.trace.span_id)
    assert publication.attributes["messaging.batch.message_count"] == 2
    assert publication.links == ()
    assert collected.inside_of == [delivery.trace]


async def test_children_come_of_the_delivery(world: World, collected: Collected) -> None:
    """Whichever delivery publishes them: what stands in the outbox is not changed any more."""
    world.publisher.fail()
    engine = world.engine(pack)
    first = await engine.deliver(order(extensions=PARENT))
    second = await engine.deliver(order(extensions=PARENT))
    assert (first.verdict, second.verdict) == (Verdict.RETRY, Verdict.DUPLICATE)
    [child] = world.publisher.published
    assert child.attributes["ce-traceparent"] == first.trace.traceparent
    assert (await world.record("pack")).outbox == (child,)
    assert arriving(child).message.attributes == child.attributes
    again = [each for each in collected.spans if each.name == "send order.packed"][-1]
    assert again.trace.parent_id == second.trace.span_id
    assert [each.span_id for each in again.links] == [first.trace.span_id]


async def test_a_failed_delivery(world: World, collected: Collected) -> None:
    """Its kind of failure is told, and nothing that the error says; its letter's filing is below it."""
    await world.engine(pack).deliver(order(items=0, extensions=PARENT))
    delivery = collected.named("process order.placed")
    assert (delivery.error, delivery.attributes["error.type"]) == ("dead", "rejected")
    assert "nothing to pack" not in str(delivery)
    [letter] = world.publisher.published

    async def file(letter: DeadLetter, ctx: Context) -> None:
        """Files it."""

    filed = await world.engine(file).deliver(arriving(letter))
    assert (filed.trace.trace_id, filed.trace.parent_id) == (TRACE.trace_id, delivery.trace.span_id)


async def test_a_failed_publication(world: World, collected: Collected) -> None:
    """It is told as well."""
    world.publisher.fail()
    await world.engine(pack).deliver(order())
    assert collected.named("send order.packed").error == PublishFailed.__name__


async def test_a_link_is_told(world: World) -> None:
    """An event that ended a wait names the span that ended it, besides the one of which it comes."""
    inbound = order(extensions=PARENT)
    other = replace(TRACE, span_id="00f067aa0ba902b7")
    attributes = {**inbound.message.attributes, LINK: other.traceparent}
    report = await world.engine(pack).deliver(replace(inbound, message=replace(inbound.message, attributes=attributes)))
    assert (report.links, report.trace.parent_id) == ((other,), TRACE.span_id)


async def test_what_is_no_event_is_traced(world: World) -> None:
    """A plain message begins a trace of its own."""
    inbound = replace(order(), message=Message("m-1", b"{}"))
    assert (await world.engine(pack).deliver(inbound)).trace.trace_id == Sampling().begun("m-1", "").trace_id


async def test_a_delayed_event_keeps_its_trace(world: World) -> None:
    """It is handed over with it, to be published when it is due."""

    async def later(placed: OrderPlaced, ctx: Context) -> Emission[OrderPacked]:
        return emit(OrderPacked(), delay=timedelta(hours=1))

    report = await world.engine(later).deliver(order())
    [scheduled] = world.timers.scheduled
    assert scheduled.attributes["ce-traceparent"] == report.trace.traceparent


async def test_handlers_know_their_span(world: World) -> None:
    """They can hand it on to an outside service."""
    seen = []

    async def asks(placed: OrderPlaced, ctx: Context) -> None:
        seen.append(ctx.traceparent)

    report = await world.engine(asks).deliver(order(extensions=PARENT))
    assert seen == [report.trace.traceparent]


async def test_a_request(collected: Collected) -> None:
    """An HTTP function's span is named by its route, since paths are without number."""
    door = Door()
    service = door.service()
    ports = service._site.ports
    service._site = replace(service._site, ports=told(ports, collected))
    async with client(service) as caller:
        await caller.get("/echo/anna?key=secret", headers=dict(PARENT))
        await caller.get("/fail")
    good, bad = collected.spans
    assert (good.name, good.kind, good.error) == ("GET /echo/{name}", Kind.SERVER, "")
    assert (good.trace.trace_id, good.trace.parent_id) == (TRACE.trace_id, TRACE.span_id)
    assert good.attributes == {
        "http.request.method": "GET",
        "http.route": "/echo/{name}",
        "http.response.status_code": 200,
        "faas.trigger": "http",
    }
    assert (bad.attributes["error.type"], bad.error) == ("500", "500")


def test_a_request_that_was_not_answered() -> None:
    """Its client left."""
    span = request_span(TRACE, "GET", "", 0, NOON, NOON + timedelta(seconds=1))
    assert (span.name, span.attributes["error.type"]) == ("GET", "unanswered")


async def test_the_names_are_those_of_the_conventions(world: World, collected: Collected) -> None:
    """Every attribute is in OpenTelemetry's own list, or bears this project's name."""
    await world.engine(pack).deliver(order(items=0))
    spans = [*collected.spans, request_span(TRACE, "GET", "/", 500, NOON, NOON)]
    used = {name for span in spans for name in span.attributes if not name.startswith("tidegate.")}
    assert used <= _known()


def _known() -> set[str]:
    """The names in OpenTelemetry's semantic conventions."""
    folders = [Path(folder) for each in (stable, incubating) for folder in each.__path__]
    texts = [file.read_text(encoding="utf-8") for folder in folders for file in folder.glob("*_attributes.py")]
    return {line.split('"')[1] for text in texts for line in text.splitlines() if ': Final = "' in line}
