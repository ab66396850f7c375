"""What an ordered subscription promises, on every broker.

Measured on the Pub/Sub emulator, beyond what is asserted here:

- It keeps to what Pub/Sub promises: a key has one message under way, a nacked one comes again
  alone, and acked ones never come again with it.
- A nacked message comes again after about 1 s, whatever the retry policy; the key waits as long.
- A request past the ack deadline (10 s at least, too long to wait for here) is repeated while it
  still runs. The second one's ack lets the key go on, so the first may end after its successors
  began. The memory broker does the same; the ledger's claim is what keeps such a copy from counting.
- The pushed body names no ordering key, where Pub/Sub and the memory broker do; the event's own
  ``ce-partitionkey`` is there on each.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence

import pytest

from tests.contract.ordered_topics import FUNCTION, TOPIC, TOPOLOGY, OpenTopic
from tidegate import Context, Reject
from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.adapters.firestore_jobs import FirestoreJobs
from tidegate.adapters.firestore_lanes import FirestoreLanes
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.memory_ledger import MemoryLedger
from tidegate.adapters.memory_timers import MemoryTimers
from tidegate.clock import system_clock
from tidegate.contracts import Contract
from tidegate.events import Event
from tidegate.handlers import Handler
from tidegate.inputs import read
from tidegate.messages import Outgoing
from tidegate.ports import Ports
from tidegate.service import Service
from tidegate_ops.embedded_application import pusher

pytestmark = pytest.mark.anyio

PATIENCE_SECONDS = 30


class Deliveries:
    """Notes each delivery as (text, acked), and acks what ``acks(text, nth delivery of it)`` says."""

    def __init__(self, acks: Callable[[str, int], bool]) -> None:
        self._acks = acks
        self._noted: list[tuple[str, bool]] = []
        self._change = asyncio.Event()

    async def push(self, headers: Mapping[str, str], body: bytes) -> int:
        text = read(headers, body).message.data.decode()
        acked = self._acks(text, self.of(text).count(text) + 1)
        self._noted.append((text, acked))
        self._change.set()
        return 200 if acked else 503

    def of(self, key: str) -> list[str]:
        """Every delivery of a key's messages."""
        return [text for text, _ in self._noted if text.startswith(key)]

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until a delivery makes it true."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not true():
                self._change.clear()
                await self._change.wait()

    async def until_acked(self, messages: Sequence[Outgoing]) -> None:
        """Wait until each is acked."""
        texts = {each.data.decode() for each in messages}
        await self.until(lambda: texts <= {text for text, acked in self._noted if acked})


def numbered(*keys: str, count: int) -> list[Outgoing]:
    """So many messages of each key, interleaved: A0, B0, A1, B1, …"""
    return [Outgoing(TOPIC, f"{key}{number}".encode(), key=key) for number in range(count) for key in keys]


async def test_order_is_kept_under_retries(open_topic: OpenTopic) -> None:
    """No message of a key is delivered before the one ahead of it is acked, and none after that again."""
    deliveries = Deliveries(lambda text, nth: nth > 1 or (ord(text[0]) + int(text[1])) % 3 > 0)
    sent = numbered("A", "B", "C", count=6)
    async with open_topic(deliveries.push) as publisher:
        await publisher.publish(sent)
        await deliveries.until_acked(sent)
    assert deliveries.of("A") == ["A0", "A1", "A1", "A2", "A3", "A4", "A4", "A5"]
    assert deliveries.of("B") == ["B0", "B0", "B1", "B2", "B3", "B3", "B4", "B5"]
    assert deliveries.of("C") == ["C0", "C1", "C2", "C2", "C3", "C4", "C5", "C5"]


async def test_a_nacked_message_holds_its_own_key_alone(open_topic: OpenTopic) -> None:
    """Other keys go on past it, and its successors follow once it is acked."""
    mended = False
    deliveries = Deliveries(lambda text, nth: text != "A0" or mended)
    held, free = numbered("A", count=3), numbered("B", "C", count=3)
    async with open_topic(deliveries.push) as publisher:
        await publisher.publish([*held, *free])
        await deliveries.until_acked(free)
        await deliveries.until(lambda: len(deliveries.of("A")) > 1)
        assert set(deliveries.of("A")) == {"A0"}
        mended = True
        await deliveries.until_acked(held)
    assert deliveries.of("A")[-2:] == ["A1", "A2"]


async def test_later_messages_of_a_held_key_wait_too(open_topic: OpenTopic) -> None:
    """What is published while the key is held comes after what was there."""
    mended = False
    deliveries = Deliveries(lambda text, nth: text != "A0" or mended)
    sent = numbered("A", count=4)
    async with open_topic(deliveries.push) as publisher:
        await publisher.publish(sent[:2])
        await deliveries.until(lambda: "A0" in deliveries.of("A"))
        await publisher.publish(sent[2:])
        mended = True
        await deliveries.until_acked(sent)
    assert list(dict.fromkeys(deliveries.of("A"))) == ["A0", "A1", "A2", "A3"]


async def test_without_a_key_nobody_waits(open_topic: OpenTopic) -> None:
    """On an ordered subscription too, messages without an ordering key go past a nacked one."""
    others = False
    deliveries = Deliveries(lambda text, nth: text != "-0" or others)
    sent = [Outgoing(TOPIC, f"-{number}".encode()) for number in range(3)]
    async with open_topic(deliveries.push) as publisher:
        await publisher.publish(sent)
        await deliveries.until_acked(sent[1:])
        others = True
        await deliveries.until_acked(sent)


class Line(Contract, type=TOPIC, version=1):
    """What the function under test consumes."""

    text: str


class Lines:
    """A function that keeps the lines it gets, behind the runtime."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.dead: list[str] = []
        self._documents = MemoryDocuments()
        self._change = asyncio.Event()

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Stands in for the publisher: all that this function publishes is dead letters."""
        self.dead += [each.attributes["ce-id"] for each in messages]

    def service(self) -> Service:
        """One instance of the function, on memory adapters."""

        async def edit_note(line: Line, ctx: Context) -> None:
            if line.text == "poison":
                raise Reject("poison")
            if line.text == "doomed" or (line.text == "flaky" and ctx.attempt == 1):
                raise ConnectionError("the line is down")
            self.kept.append(line.text)
            self._change.set()

        client = memory_firestore(self._documents)
        ports = Ports(
            ledger=MemoryLedger(self._documents),
            publisher=self,
            jobs=FirestoreJobs(client),
            timers=MemoryTimers(self),
            circuits=FirestoreCircuits(client),
            lanes=FirestoreLanes(client),
            firestore=lambda: client,
            observe=lambda report: None,
            draw=lambda: secrets.token_hex(8),
        )
        return Service(Handler.inspect(edit_note, pure=False), TOPOLOGY.config(FUNCTION), ports, {})

    async def until_kept(self, text: str) -> None:
        """Wait until the function has kept this line."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.kept:
                self._change.clear()
                await self._change.wait()


async def test_a_dead_lettered_message_lets_its_key_go_on(open_topic: OpenTopic) -> None:
    """What the runtime gives up on is acked: rejected, unfit or out of attempts, it stalls its key no longer."""
    lines = Lines()
    texts = ["one", "poison", "two", "doomed", "three", "unfit", "flaky", "end"]
    async with open_topic(pusher(lines.service())) as publisher:
        await publisher.publish([written(text) for text in texts])
        await lines.until_kept("end")
    assert lines.kept == ["one", "two", "three", "flaky", "end"]
    assert lines.dead == ["poison", "doomed", "unfit"]


def written(text: str) -> Outgoing:
    """One line as an event with that id, all of one key."""
    data = b"{}" if text == "unfit" else Line(text=text).to_json()
    event = Event(text, TOPIC, "/tests", data, system_clock(), version=1, key="A")
    return Outgoing(TOPIC, event.data, event.attributes(), event.key)
