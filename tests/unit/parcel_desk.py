"""A small application in memory, whose letters the tests of redriving work with."""

import dataclasses
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tidegate import Context, Contract, Reject
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.events import Event
from tidegate.handlers import Handler
from tidegate.messages import Message, Outgoing
from tidegate.reports import Report
from tidegate.topology import Topology
from tidegate.verdicts import Verdict
from tidegate_ops.embedded_application import EmbeddedApplication
from tidegate_ops.filed_letters import FiledLetter, LetterFile, Selection, State
from tidegate_ops.project import Project
from tidegate_ops.redrive import Redrive

NOON = datetime(2013, 2, 8, 12, tzinfo=UTC)
TOPOLOGY = Topology.model_validate(
    {
        "application": "parcel-desk",
        "topics": {"order.placed": {}, "order.packed": {}, "dead.letters": {}},
        "functions": {
            "pack_order": {"topic": "order.placed", "emits": ["order.packed"]},
            "count_order": {"topic": "order.placed"},
            "ship_order": {"topic": "order.packed"},
            "dead_letters": {"topic": "dead.letters", "attempts": None},
        },
    }
)


class OrderPlaced(Contract, type="order.placed", version=1):
    order: str


class OrderPacked(Contract, type="order.packed", version=1):
    order: str


class Desk:
    """The parcel desk, which packs nothing until its scales are mended."""

    def __init__(self) -> None:
        self.mended = False
        self.calls: list[str] = []
        self.reports: list[Report] = []
        self.messages: list[tuple[str, Message]] = []
        self.application = EmbeddedApplication(
            TOPOLOGY,
            {name: Handler.inspect(call, pure=False) for name, call in self._handlers().items()}
            | {"dead_letters": Project(Path(__file__).parents[2]).load_handler("dead_letters")},
            environment={},
            on_report=self.reports.append,
            on_message=lambda topic, message: self.messages.append((topic, message)),
        )
        self.firestore = memory_firestore(self.application.documents)
        self.file = LetterFile(self.firestore, TOPOLOGY.functions)
        self.redrive = Redrive(self.file, self.application.broker, TOPOLOGY, "ada")

    def _handlers(self) -> dict[str, Callable[..., Any]]:
        async def weigh() -> int:
            self.calls.append("weigh")
            return 250

        async def pack_order(order: OrderPlaced, ctx: Context) -> OrderPacked:
            self.calls.append("pack_order")
            await ctx.step("weigh", weigh)
            if not self.mended:
                raise Reject("the scales are broken")
            return OrderPacked(order=order.order)

        async def count_order(order: OrderPlaced, ctx: Context) -> None:
            self.calls.append("count_order")

        async def ship_order(order: OrderPacked, ctx: Context) -> None:
            self.calls.append(f"ship {order.order}")

        return {"pack_order": pack_order, "count_order": count_order, "ship_order": ship_order}

    async def publish(self, *messages: Outgoing) -> None:
        """Publish, and wait until all that follows has happened."""
        await self.application.broker.publish(messages)
        await self.settled()

    async def settled(self) -> None:
        await self.application.broker.drained()

    async def letters(self) -> list[FiledLetter]:
        return await self.file.select(Selection(all=True))

    async def state(self, letter: FiledLetter) -> dict[str, Any]:
        """The letter's document as it is now."""
        return (await self.firestore.document(f"dead_letters/{letter.id}").get()).to_dict() or {}

    async def send(self, letter: FiledLetter) -> None:
        """Redrive one letter, and wait until all that follows has happened."""
        await self.redrive.send(letter, await self.file.payload(letter))
        await self.settled()

    def verdicts(self, function: str) -> list[Verdict]:
        return [each.verdict for each in self.reports if each.function == function]


def order(name: str = "o-1", *, data: bytes = b"", key: str = "") -> Outgoing:
    """An event that `pack_order` fails on until the scales are mended."""
    data = data or json.dumps({"order": name}).encode()
    event = Event(id=name, type="order.placed", source="/tests", data=data, time=NOON, version=1, key=key)
    return Outgoing("order.placed", data, event.attributes(), key)


def letter(**changes: Any) -> FiledLetter:
    """A letter on file, with changes."""
    filed = FiledLetter(
        id="pack_order.1",
        state=State.OPEN,
        function="pack_order",
        event_id="o-1",
        event_type="order.placed",
        fault="rejected",
        reason="the scales are broken",
        redrive=0,
        attributes=order(key="ada").attributes,
        size=3,
        died_at=NOON,
        update_time=NOON,
    )
    return dataclasses.replace(filed, **changes)
