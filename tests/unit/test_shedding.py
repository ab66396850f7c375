"""Shedding by class: what is given up under overload, and how a class travels."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.orders import OrderPacked, OrderPlaced, order
from tidegate import Context, Gather, emit, gather
from tidegate.causes import Cause
from tidegate.classes import Classes
from tidegate.deliveries import Delivery
from tidegate.emissions import flatten
from tidegate.events import Event
from tidegate.handlers import Handler
from tidegate.inputs import Inbound
from tidegate.jobs import JobState, NewJob
from tidegate.messages import CLASS, Message, Outgoing
from tidegate.outbox import compensation, returned
from tidegate.places import ROOT, Member, Place
from tidegate.records import Fault, Status
from tidegate.shedding import overload
from tidegate.testing import NOON, World
from tidegate.testing.delivery import TRACE
from tidegate.testing.world import config_of
from tidegate.topology import Topology
from tidegate.verdicts import Verdict
from tidegate_ops.filed_letters import FiledLetter, State
from tidegate_ops.redrive import outgoing

pytestmark = pytest.mark.anyio

RANKED = ("interactive", "standard", "bulk")
SHEDDING: dict[str, Any] = {"classes": Classes(ranked=RANKED), "overload_seconds": 60}


@pytest.fixture
def world() -> World:
    return World()


async def pack(placed: OrderPlaced, ctx: Context) -> list[OrderPacked]:
    return [OrderPacked()]


def waited(seconds: float, class_: str = "", event_id: str = "event-1", **changes: Any) -> Inbound:
    """An order that was published so long before noon."""
    inbound = order(event_id, class_=class_, **changes)
    return Inbound(replace(inbound.message, publish_time=NOON - timedelta(seconds=seconds)))


@pytest.mark.parametrize(
    ("class_", "topic", "seconds", "shed"),
    [
        ("bulk", "", 60, False),
        ("bulk", "", 60.1, True),
        ("standard", "", 120, False),
        ("standard", "", 120.1, True),
        ("interactive", "", 1e9, False),
        ("", "", 1e9, False),
        ("", "bulk", 60.1, True),
        ("interactive", "bulk", 1e9, False),
        ("forgotten", "bulk", 60.1, True),
        ("forgotten", "", 1e9, False),
    ],
)
def test_the_lowest_class_is_shed_first(class_: str, topic: str, seconds: float, shed: bool) -> None:
    """The next one after twice as long, the first never; an event without a known class has its topic's."""
    handler = Handler.inspect(pack, pure=False)
    classes = Classes(ranked=RANKED, of_topics={"order.placed": topic} if topic else {})
    config = config_of(handler, classes=classes, overload_seconds=60)
    failed = overload(Delivery.read(waited(seconds, class_), handler, config, NOON), config, NOON)
    assert (failed is not None) is shed


@pytest.mark.parametrize(
    "options",
    [{}, {"classes": Classes(ranked=RANKED)}, {"overload_seconds": 60}, {**SHEDDING, "classes": Classes(ranked=["a"])}],
    ids=["neither", "no time", "no classes", "one class"],
)
async def test_nothing_is_shed_that_is_not_asked_for(world: World, options: dict[str, Any]) -> None:
    """A function that names no time handles whatever comes."""
    assert (await world.engine(pack, **options).deliver(waited(1e9, "bulk"))).verdict is Verdict.DONE


@pytest.mark.parametrize("pure", [False, True])
async def test_what_is_shed_is_on_record(world: World, pure: bool) -> None:
    """With the fault and the reason, in one write, and without a dead letter."""
    report = await world.engine(pack, pure=pure, **SHEDDING).deliver(waited(61, "bulk"))
    assert (report.verdict, report.reason) == (Verdict.SHED, "waited 61 s; bulk events are shed after 60 s")
    record = await world.record("pack")
    assert record.error is not None
    assert (record.status, record.error.fault) == (Status.FAILED, Fault.OVERLOAD)
    assert (world.ledger.writes, world.publisher.published) == (1, [])


@pytest.mark.parametrize("pure", [False, True])
async def test_what_has_begun_is_finished(world: World, pure: bool) -> None:
    """A retry runs, however late; a duplicate stays what it is."""
    failures: list[Exception] = [ValueError("no box")]

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        if failures:
            raise failures.pop()

    engine = world.engine(pack, pure=pure, **SHEDDING)
    verdicts = [(await engine.deliver(waited(seconds, "bulk"))).verdict for seconds in (1, 600, 600)]
    assert verdicts == [Verdict.RETRY, Verdict.DONE, Verdict.DUPLICATE]


async def test_what_an_operator_sent_back_is_handled(world: World) -> None:
    """However long it has waited once more."""
    assert (await world.engine(pack, **SHEDDING).deliver(waited(600, "bulk", redrive=1))).verdict is Verdict.DONE


async def test_a_shed_unit_fails_its_job(world: World) -> None:
    """With the fault of its own, as one that has expired does."""
    place = Place("j", ROOT, 0, 1, ("pack",))
    await world.ports.jobs.accept(
        NewJob("j", Outgoing("order.placed", b"{}", {"ce-id": "e"}), ("pack",), "", NOON, NOON)
    )
    message = waited(61, "bulk").message
    inbound = Inbound(replace(message, attributes={**message.attributes, **place.attributes()}))
    assert (await world.engine(pack, **SHEDDING).deliver(inbound)).verdict is Verdict.SHED
    job = await world.ports.jobs.read("j")
    assert job is not None
    assert job.state is JobState.FAILED
    assert [each.fault for each in job.failures] == [Fault.OVERLOAD]


def children(parent: str, topics: dict[str, str], made: Callable[[OrderPacked], Any]) -> list[str]:
    """The classes that what an event of class ``parent`` causes names."""
    config = config_of(
        Handler.inspect(pack, pure=False),
        classes=Classes(ranked=RANKED, of_topics=topics),
        subscribers={"order.packed": ("ship",)},
    )
    cause = Cause(Event("cause", "order.placed", "/shop", b"{}", NOON, class_=parent), "key", None, NOON, TRACE)
    outcome = returned(flatten(made(OrderPacked())), config=config, cause=cause)
    messages = [*outcome.outbox, *(node.then for node in outcome.nodes if node.then)]
    return [each.attributes.get(CLASS, "") for each in messages]


@pytest.mark.parametrize(
    ("parent", "topics", "named"),
    [
        ("", {}, ""),
        ("bulk", {}, "bulk"),
        ("interactive", {"order.packed": "standard"}, ""),
        ("bulk", {"order.packed": "standard"}, "bulk"),
        ("", {"order.placed": "bulk"}, "bulk"),
        ("", {"order.placed": "bulk", "order.packed": "bulk"}, ""),
        ("forgotten", {}, ""),
    ],
)
def test_children_are_no_more_important_than_their_cause(parent: str, topics: dict[str, str], named: str) -> None:
    """They name its class where that is lower than their topic's."""

    def gathered(event: OrderPacked) -> Gather[OrderPacked, OrderPacked]:
        return gather([event], then=event)

    assert children(parent, topics, lambda event: event) == [named]
    assert children(parent, topics, lambda event: emit(event, delay=timedelta(minutes=1))) == [named]
    assert children(parent, topics, gathered) == [named] * 2


def test_a_compensation_has_the_class_of_what_it_undoes() -> None:
    """It waits with it in its own document."""
    config = config_of(
        Handler.inspect(pack, pure=False),
        classes=Classes(ranked=RANKED),
        subscribers={"order.packed": ("ship",)},
    )
    event = Event("cause", "order.placed", "/shop", b"{}", NOON, class_="bulk")
    cause = Cause(event, "key", Member("j", ROOT, 0, 1), NOON, TRACE)
    assert compensation(emit(OrderPacked()), 0, config=config, cause=cause).message.attributes[CLASS] == "bulk"


def test_a_redriven_event_keeps_its_class() -> None:
    """As it keeps all that it was published with."""
    event = Event("event", "order.placed", "/shop", b"{}", NOON, class_="bulk")
    letter = FiledLetter(
        "letter", State.OPEN, "pack", "event", "order.placed", "error", "", 0, event.attributes(), 2, NOON, NOON
    )
    again = outgoing(letter, "order.placed", b"{}")
    assert Event.from_message(Message("m", b"{}", again.attributes), topic="", now=NOON).class_ == "bulk"


@pytest.mark.parametrize("attributes", [{CLASS: "bulk"}, {}])
def test_a_plain_message_may_name_a_class(attributes: dict[str, str]) -> None:
    """It is an attribute of Pub/Sub's, and none of CloudEvents."""
    event = Event.from_message(Message("m", b"{}", attributes), topic="order.placed", now=NOON)
    assert event.class_ == attributes.get(CLASS, "")


def test_a_functions_slice_has_the_classes() -> None:
    """Those of the topics that it knows."""
    desk = {
        "application": "parcel-desk",
        "classes": RANKED,
        "topics": {"order.placed": {"class": "standard"}, "order.packed": {}, "other": {"class": "bulk"}},
        "functions": {"pack": {"topic": "order.placed", "emits": ["order.packed"], "overload_seconds": 90}},
        "http_functions": {"gateway": {"accepts": ["order.placed"]}},
    }
    topology = Topology.model_validate(desk)
    config = topology.config("pack")
    assert (config.overload_seconds, config.classes) == (
        90,
        Classes(ranked=RANKED, of_topics={"order.placed": "standard"}),
    )
    assert type(config).model_validate_json(config.model_dump_json()) == config
    assert topology.http_config("gateway").classes == config.classes


async def test_an_event_in_time_is_handled(world: World) -> None:
    """Shedding costs it nothing: two writes, no read."""
    assert (await world.engine(pack, **SHEDDING).deliver(waited(60, "bulk"))).verdict is Verdict.DONE
    assert (world.ledger.writes, world.ledger.reads) == (2, 0)
