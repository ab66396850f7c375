"""The service: a request's way to its status, and pushing back when full."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from pytest_mock import MockerFixture

from tests.orders import OrderPacked, OrderPlaced, order
from tidegate import Context
from tidegate.dead_letters import DeadLetter
from tidegate.engine import Engine
from tidegate.errors import ConfigurationError
from tidegate.handlers import Handler
from tidegate.reports import Report
from tidegate.service import Answer, Service, check
from tidegate.testing import World
from tidegate.testing.world import config_of
from tidegate.verdicts import Verdict

pytestmark = pytest.mark.anyio

HEADERS = order().message.attributes
BODY = order().message.data


async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
    return OrderPacked()


async def file(letter: DeadLetter, ctx: Context) -> None: ...


def service(world: World, call: Callable[..., Any] = pack, **options: Any) -> Service:
    handler = Handler.inspect(call, pure=False)
    return Service(handler, config_of(handler, **options), world.ports, {})


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.DONE, 200),
        (Verdict.DUPLICATE, 200),
        (Verdict.SHED, 200),
        (Verdict.DEAD, 200),
        (Verdict.FILTERED, 200),
        (Verdict.BUSY, 409),
        (Verdict.RETRY, 503),
    ],
)
async def test_each_verdict_has_its_status(mocker: MockerFixture, verdict: Verdict, status: int) -> None:
    """Pub/Sub takes 200 for an ack, anything else as a wish to deliver again."""
    report = mocker.Mock(spec=Report, verdict=verdict, event_id="event-1", reason="so")
    mocker.patch.object(Engine, "deliver", return_value=report)
    answer = await service(World()).receive(HEADERS, BODY)
    assert answer == Answer(status, {"verdict": str(verdict), "event_id": "event-1", "reason": "so"})
    assert (status == 200) is verdict.acked


async def test_a_request_is_handled() -> None:
    """From headers and body to the published event."""
    world = World()
    answer = await service(world).receive(HEADERS, BODY)
    assert answer == Answer(200, {"verdict": "done", "event_id": "event-1", "reason": ""})
    assert len(world.publisher.published) == 1


async def test_a_full_instance_answers_at_once() -> None:
    """What is over the concurrency gets a 429, and neither a run nor a record."""
    world, leave, inside = World(), asyncio.Event(), asyncio.Semaphore(0)

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        inside.release()
        await leave.wait()

    instance = service(world, pack, concurrency=2)
    deliveries = [
        asyncio.create_task(instance.receive({**HEADERS, "ce-id": f"event-{number}"}, BODY)) for number in range(2)
    ]
    for _ in deliveries:
        await inside.acquire()
    writes = world.ledger.writes
    answer = await instance.receive({**HEADERS, "ce-id": "event-2"}, BODY)
    assert (answer.status, answer.body["reason"]) == (429, "2 deliveries are under way")
    assert world.ledger.writes == writes
    leave.set()
    assert [(await each).status for each in deliveries] == [200, 200]
    assert (await instance.receive({**HEADERS, "ce-id": "event-2"}, BODY)).status == 200


async def test_an_instance_without_threads_pushes_back(mocker: MockerFixture) -> None:
    """Where handlers that never end hold the threads, no attempt is spent on waiting for one."""
    mocker.patch.object(Engine, "overrun", new_callable=mocker.PropertyMock, return_value=4)
    answer = await service(World()).receive(HEADERS, BODY)
    assert (answer.status, answer.body["verdict"]) == (429, "busy")
    assert "4 threads are lost" in answer.body["reason"]


async def test_a_place_is_freed_whatever_happens(mocker: MockerFixture) -> None:
    """A delivery that is broken off takes no place with it."""
    instance = service(World(), concurrency=1)
    mocker.patch.object(Engine, "deliver", side_effect=asyncio.CancelledError)
    for _ in range(3):
        with pytest.raises(asyncio.CancelledError):
            await instance.receive(HEADERS, BODY)


@pytest.mark.parametrize("body", [b"", b"{", json.dumps({"message": {"data": "é"}}).encode()])
async def test_nonsense_is_acked_and_dead(body: bytes) -> None:
    """A body that nobody can read is not delivered for ever."""
    world = World()
    answer = await service(world).receive({}, body)
    assert (answer.status, answer.body["verdict"]) == (200, "dead")
    assert [each.topic for each in world.publisher.published] == ["dead.letters"]


@pytest.mark.parametrize(
    ("call", "options", "said"),
    [
        (pack, {"function": "unpack"}, "the configuration is for unpack, the handler is pack"),
        (pack, {"topic": "order.shipped"}, r"pack reads order\.placed, but its subscription is on order\.shipped"),
        (pack, {"emits": ()}, r"pack returns order\.packed, missing under its emits"),
        (file, {"topic": "order.placed"}, r"file reads dead\.letters, but its subscription is on order\.placed"),
    ],
)
def test_handler_and_configuration_belong_together(
    call: Callable[..., Any], options: dict[str, Any], said: str
) -> None:
    """A handler is never run with another's limits."""
    handler = Handler.inspect(call, pure=False)
    check(handler, config_of(handler))
    with pytest.raises(ConfigurationError, match=said):
        check(handler, config_of(handler, **options))
