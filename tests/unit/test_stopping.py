"""Stopping: what is under way ends within the grace, or goes back as if it had not begun; in virtual time."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.orders import OrderPacked, OrderPlaced, order
from tests.simulation.virtual_loop import run
from tests.unit.front_door import Door, client
from tidegate import Context
from tidegate.handlers import Handler
from tidegate.records import Status
from tidegate.service import Answer, Service
from tidegate.stopping import GRACE_SECONDS, on_sigterm
from tidegate.testing import World
from tidegate.testing.world import config_of
from tidegate_ops.embedded_server import EmbeddedServer

HEADERS = order().message.attributes
BODY = order().message.data
SIGKILL_SECONDS = 10
"""After SIGTERM, on Cloud Run."""


class Desk:
    """A function that packs an order, in as many seconds as the order has items.

    Attributes:
        weighings, attempts: how often its step was run, and as which attempt each run began.
    """

    def __init__(self) -> None:
        self.world = World()
        self.weighings = 0
        self.attempts: list[int] = []

    def instance(self, call: Callable[..., Any] | None = None, *, pure: bool = False) -> Service:
        async def pack(placed: OrderPlaced, ctx: Context) -> OrderPacked:
            self.attempts.append(ctx.attempt)
            if not pure:
                await ctx.step("weigh", self._weigh)
            await asyncio.sleep(placed.items)
            return OrderPacked()

        handler = Handler.inspect(call or pack, pure=pure)
        return Service(handler, config_of(handler, attempts=1), self.world.ports, {})

    async def told_to_stop(self, instance: Service, *, items: int, seconds: float = 1) -> tuple[Answer, float]:
        """The answer to an order of so many items whose instance is told to stop meanwhile; and how long after that."""
        time = asyncio.get_running_loop().time
        delivery = asyncio.create_task(instance.receive(HEADERS, order(items=items).message.data))
        await asyncio.sleep(seconds)
        instance.stop()
        stopped = time()
        return await delivery, time() - stopped

    async def _weigh(self) -> int:
        self.weighings += 1
        return 250


def test_a_run_that_ends_in_time_is_done() -> None:
    """It is committed, published and acked as ever."""
    desk = Desk()
    answer, seconds = run(desk.told_to_stop(desk.instance(), items=5))
    assert (answer.status, answer.body["verdict"]) == (200, "done")
    assert seconds == pytest.approx(4)
    assert len(desk.world.publisher.published) == 1


def test_a_run_that_does_not_is_given_back() -> None:
    """It ends before SIGKILL with a nack; the claim is released as if it had not been made, but with its steps."""

    async def scenario() -> None:
        desk = Desk()
        answer, seconds = await desk.told_to_stop(desk.instance(), items=30)
        assert (answer.status, answer.body["verdict"]) == (409, "busy")
        assert answer.body["reason"] == "this instance is stopping"
        assert seconds == pytest.approx(GRACE_SECONDS)
        assert seconds < SIGKILL_SECONDS
        record = await desk.world.record("pack")
        assert (record.status, record.attempt, dict(record.steps)) == (Status.RELEASED, 0, {"weigh": "250"})

        # Its lease would last for minutes, and its only attempt is still there.
        assert (await desk.instance().receive(HEADERS, order(items=30).message.data)).body["verdict"] == "done"
        assert (desk.weighings, desk.attempts) == (1, [1, 1])

    run(scenario())


def test_nothing_new_is_taken() -> None:
    """From then on a delivery is turned away at once, without a look at its record; being told twice is being told."""

    async def scenario() -> None:
        desk = Desk()
        instance = desk.instance()
        instance.stop()
        await asyncio.sleep(1)
        instance.stop()
        answer = await instance.receive(HEADERS, BODY)
        assert (answer.status, answer.body) == (503, {"verdict": "busy", "reason": "this instance is stopping"})
        assert desk.world.ledger.writes == desk.world.ledger.reads == 0

    run(scenario())


def test_a_second_word_grants_no_further_time() -> None:
    """SIGTERM comes twice where it is sent to the whole process group."""

    async def scenario() -> None:
        desk = Desk()
        instance = desk.instance()
        asyncio.get_running_loop().call_later(3, instance.stop)
        _, seconds = await desk.told_to_stop(instance, items=30)
        assert seconds == pytest.approx(GRACE_SECONDS)

    run(scenario())


def test_a_pure_run_leaves_nothing_to_give_back() -> None:
    """Without a claim it is just a nack."""
    desk = Desk()
    answer, seconds = run(desk.told_to_stop(desk.instance(pure=True), items=30))
    assert (answer.status, answer.body["reason"]) == (409, "this instance is stopping")
    assert seconds == pytest.approx(GRACE_SECONDS)
    assert desk.world.ledger.writes == 0


def test_what_a_handler_makes_of_its_interruption_does_not_matter() -> None:
    """Libraries turn a cancellation into errors of their own: that is no failure of the event."""

    async def pack(placed: OrderPlaced, ctx: Context) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            raise RuntimeError("connection closed") from None

    desk = Desk()
    answer, _ = run(desk.told_to_stop(desk.instance(pack), items=1))
    assert (answer.status, answer.body["reason"]) == (409, "this instance is stopping")


def test_its_own_timeout_still_ends_a_run() -> None:
    """What had only a second left when the instance was told to stop has failed for good reason."""
    desk = Desk()
    answer, seconds = run(desk.told_to_stop(desk.instance(), items=90, seconds=59))
    assert seconds == pytest.approx(1)
    assert answer.body["reason"] == "ran longer than 60 s"


@pytest.mark.anyio
async def test_a_thread_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain handler cannot be stopped: its claim stands for as long as it may still do something."""
    monkeypatch.setattr("tidegate.runs.GRACE_SECONDS", 0)
    leave, inside = threading.Event(), threading.Event()

    def pack(placed: OrderPlaced, ctx: Context) -> None:
        inside.set()
        leave.wait()

    desk = Desk()
    instance = desk.instance(pack)
    delivery = asyncio.create_task(instance.receive(HEADERS, BODY))
    await asyncio.to_thread(inside.wait)
    instance.stop()
    try:
        assert await asyncio.wait({delivery}, timeout=0.1) == (set(), {delivery})
        assert (await desk.world.record("pack")).status is Status.CLAIMED
    finally:
        leave.set()  # whatever happens: the interpreter waits for its threads
    assert (await delivery).body["verdict"] == "done"


def test_http_requests_have_the_same_grace() -> None:
    """One that ends in time is answered, one that does not is told to come again, and so is every new one."""

    async def scenario() -> None:
        door = Door()
        service = door.service(concurrency=10)
        async with client(service) as caller:
            late, early = asyncio.create_task(caller.get("/wait")), asyncio.create_task(caller.get("/echo/a"))
            await asyncio.sleep(0.5)
            service.stop()
            assert (await early).status_code == 200
            new = await caller.get("/echo/b")
            answers = [new, await late]
        for answer in answers:
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["detail"] == "this instance is stopping: come again in a moment"

    run(scenario())


def test_an_event_stream_ends_at_once() -> None:
    """In good order, for its reader to go on at another instance."""

    async def scenario() -> None:
        door = Door()
        service = door.service()
        async with client(service) as caller:
            stream = asyncio.create_task(caller.get("/stream"))
            await asyncio.sleep(0.5)
            service.stop()
            await door.left.wait()
            assert asyncio.get_running_loop().time() == pytest.approx(0.5)
            assert (await stream).text == "data: first\n\n"

    run(scenario())


@pytest.mark.anyio
async def test_an_event_stream_ends_whole_on_the_wire() -> None:
    """Its reader sees an end, not a broken connection."""
    door = Door()
    service = door.service()
    server = EmbeddedServer(service)
    async with httpx.AsyncClient(base_url=server.url) as caller, caller.stream("GET", "/stream") as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "data: first"
        service.stop()
        assert [each async for each in lines] == [""]
    await server.close()


@pytest.fixture
def heard() -> Iterator[list[str]]:
    """What a server's own handler of SIGTERM heard; whatever was there before is put back."""
    heard: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append("server"))
    yield heard
    signal.signal(signal.SIGTERM, before)


@pytest.mark.anyio
async def test_sigterm_reaches_service_and_server(heard: list[str]) -> None:
    """The server's handler, which was there before, still ends the process; the service is told inside the loop."""
    told = asyncio.Event()
    on_sigterm(told.set)
    signal.raise_signal(signal.SIGTERM)
    await told.wait()
    assert heard == ["server"]


@pytest.mark.anyio
async def test_a_loop_in_another_thread_gets_no_signals(heard: list[str]) -> None:
    """There a service is none of the process's business."""

    async def ask() -> None:
        on_sigterm(lambda: heard.append("service"))

    await asyncio.to_thread(lambda: asyncio.run(ask()))
    signal.raise_signal(signal.SIGTERM)
    assert heard == ["server"]


@pytest.mark.anyio
async def test_without_a_server_a_process_dies_of_sigterm() -> None:
    """Nobody else would end it."""
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        on_sigterm(lambda: None)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
