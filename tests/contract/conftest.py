"""The adapters under test: each port's memory and emulator adapter behind one fixture."""

import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from google.cloud.firestore import AsyncClient

from tests.contract.brokers import Broker, KeepingMemoryBroker, emulator_broker
from tests.contract.ordered_topics import OpenTopic, emulator_topic, memory_topic
from tidegate.adapters.firestore_ledger import FirestoreLedger
from tidegate.adapters.firestore_wire import wire_of
from tidegate.adapters.google_clients import firestore_client
from tidegate.adapters.memory_documents import MemoryDocuments
from tidegate.adapters.memory_firestore import memory_firestore
from tidegate.adapters.memory_ledger import MemoryLedger
from tidegate.ports import Ledger
from tidegate.settings import Settings

PROJECT = "contract-tests"


@dataclass(frozen=True)
class Store:
    """A ledger, and the official client on the same documents."""

    ledger: Ledger
    client: AsyncClient


@pytest.fixture(scope="session", autouse=True)
async def _shared_loop(one_event_loop: None) -> None:
    """Every test here may talk gRPC."""


@pytest.fixture(scope="session")
async def emulator_client(firestore_emulator: Any, anyio_backend: str) -> AsyncIterator[AsyncClient]:
    """A client of the Firestore emulator."""
    async with connected(firestore_emulator.host) as client:
        yield client


@pytest.fixture(params=["memory", "bridged", "emulator"])
def store(request: pytest.FixtureRequest) -> Store:
    """Every ledger adapter in turn, the Google one also on the memory store ("bridged").

    The emulator is asked for only where it is needed.
    """
    if request.param == "emulator":
        client = request.getfixturevalue("emulator_client")
        return Store(FirestoreLedger(wire_of(client)), client)
    documents = MemoryDocuments()
    client = memory_firestore(documents)
    return Store(MemoryLedger(documents) if request.param == "memory" else FirestoreLedger(wire_of(client)), client)


@pytest.fixture
def ledger(store: Store) -> Ledger:
    """The adapter under test."""
    return store.ledger


@pytest.fixture(params=["memory", "emulator"])
def client(request: pytest.FixtureRequest) -> AsyncClient:
    """The official client, on the memory store and on the emulator."""
    return (
        memory_firestore(MemoryDocuments()) if request.param == "memory" else request.getfixturevalue("emulator_client")
    )


@pytest.fixture(params=["memory", "emulator"])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[Broker]:
    """Every broker in turn, the emulator in a project of its own."""
    if request.param == "memory":
        kept = KeepingMemoryBroker()
        yield kept
        await kept.publisher.close()
    else:
        async with emulator_broker(request.getfixturevalue("pubsub_emulator").host) as broker:
            yield broker


@pytest.fixture(params=["memory", "emulator"])
def open_topic(request: pytest.FixtureRequest) -> OpenTopic:
    """Every broker's way to an ordered push subscription."""
    if request.param == "memory":
        return memory_topic
    return partial(emulator_topic, request.getfixturevalue("pubsub_emulator").host)


@pytest.fixture
def name() -> Callable[[], str]:
    """Names that no other test uses: the emulator keeps what earlier tests wrote."""
    run, numbers = secrets.token_hex(4), itertools.count()
    return lambda: f"t-{run}-{next(numbers)}"


@asynccontextmanager
async def connected(host: str) -> AsyncIterator[AsyncClient]:
    """A client of the emulator, disconnected at the end."""
    client = firestore_client(Settings(project=PROJECT, firestore_emulator_host=host))
    try:
        yield client
    finally:
        await client._firestore_api.transport.close()
