"""The function `governor`: what it does when it is woken, and what when it cannot."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from contracts.governor import GovernorWoken
from tests.orders import arriving
from tidegate.adapters.firestore_circuits import FirestoreCircuits
from tidegate.adapters.firestore_pauses import FirestorePauses
from tidegate.adapters.memory_broker import MemoryBroker, PushSubscription
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.memory_subscriptions import MemorySubscriptions
from tidegate.breakers import Circuit
from tidegate.controls import Controls
from tidegate.dependencies import Dependencies
from tidegate.engine import Engine
from tidegate.events import Event
from tidegate.handlers import Handler
from tidegate.inputs import Inbound
from tidegate.messages import Outgoing
from tidegate.ports import Circuits
from tidegate.testing import NOON, World
from tidegate.testing.virtual_loop import run
from tidegate.topology import Topology
from tidegate.verdicts import Verdict
from tidegate_ops.embedded_application import EmbeddedApplication
from tidegate_ops.project import Project

PROJECT = Project.find(Path(__file__).parent)
NAME = "rebook-passengers"


@cache
def desk() -> tuple[Topology, Handler]:
    return PROJECT.topology(), PROJECT.load_handler("governor")


class Station:
    """A governor, the circuit of what another function depends on, and that one's subscription, if it is deployed."""

    def __init__(self, *, deployed: bool = True) -> None:
        self.world = World()
        self.broker = MemoryBroker(["flight.cancelled"])
        if deployed:
            self.broker.subscribe(PushSubscription(NAME, "flight.cancelled", nobody))
        controls = Controls(FirestorePauses(self.world.firestore), MemorySubscriptions(self.broker))
        ports = replace(self.world.ports, controls=lambda: controls)
        topology, handler = desk()
        self.engine = Engine(handler, topology.config("governor"), ports, Dependencies({}, {}, ports))

    async def wake(self, name: str = "wake-1", *, age: timedelta = timedelta(seconds=1)) -> Verdict:
        event = Event(name, "governor.woken", "/test", GovernorWoken(cause="a test").to_json(), NOON, version=1)
        message = replace(arriving(event).message, publish_time=self.world.clock() - age)
        return (await self.engine.deliver(Inbound(message))).verdict


async def nobody(headers: Mapping[str, str], body: bytes) -> int:
    return 200


async def cut_off(circuits: Circuits, seconds: float) -> None:
    await circuits.write("rebooking-api", Circuit(1, seconds, NOON + timedelta(seconds=seconds), "5 uses failed"), None)


@pytest.mark.anyio
async def test_it_has_itself_woken_when_the_cool_down_is_over() -> None:
    """By an event that is due a second later, once."""
    station = Station()
    await cut_off(station.world.ports.circuits, 30)
    assert await station.wake() is Verdict.DONE
    assert station.broker.is_paused(NAME)
    [later] = station.world.timers.scheduled
    assert later.topic == "governor.woken"
    assert later.due is not None
    assert abs(later.due - NOON - timedelta(seconds=31)) < timedelta(milliseconds=1)
    assert b"the cool-down of rebooking-api is over" in later.data
    assert await station.wake("wake-2") is Verdict.DONE
    assert len(station.world.timers.scheduled) == 1


@pytest.mark.anyio
async def test_what_cannot_be_looked_through_is_tried_again() -> None:
    """Until the sweep of the next minute does, so that events do not pile up; then it is left to that one."""
    station = Station(deployed=False)
    await cut_off(station.world.ports.circuits, 30)
    assert await station.wake() is Verdict.RETRY
    assert "rebook-passengers does not exist" in station.world.reports[-1].reason
    assert await station.wake(age=timedelta(seconds=61)) is Verdict.DONE


def test_the_embedded_engine_is_governed() -> None:
    """Woken by anybody, it pauses and resumes by itself, in memory."""
    topology, _ = desk()
    handlers = {name: PROJECT.load_handler(name) for name in topology.functions}

    async def story() -> None:
        time = asyncio.get_running_loop().time
        application = EmbeddedApplication(
            topology,
            handlers,
            environment={},
            on_report=lambda report: None,
            on_message=lambda topic, message: None,
            clock=lambda: NOON + timedelta(seconds=time()),
        )
        await cut_off(FirestoreCircuits(memory_firestore(application.documents)), 30)
        woken = Event("wake", "governor.woken", "/test", GovernorWoken(cause="a test").to_json(), NOON, version=1)
        await application.broker.publish([Outgoing(woken.type, woken.data, woken.attributes())])
        await application.broker.drained()
        assert application.broker.is_paused(NAME)
        await asyncio.sleep(30.5)
        assert application.broker.is_paused(NAME)
        await asyncio.sleep(1)
        assert not application.broker.is_paused(NAME)

    run(story())
