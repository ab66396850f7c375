"""Fixtures for every test: the emulators, started once and only when a test asks for one."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.missing import missing
from tidegate_ops.emulators import FirestoreEmulator, PubSubEmulator, find_missing


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as functions do."""
    return "asyncio"


@pytest.fixture(scope="session")
async def one_event_loop(anyio_backend: str) -> AsyncIterator[None]:
    """A loop that all who ask for this share: gRPC, one poller a process, stumbles over late events of a closed one."""
    yield  # noqa: PT022 - a fixture that returned would let the loop go with it


@pytest.fixture(scope="session")
def emulators_installed() -> None:
    """For what needs the emulators."""
    if lacking := find_missing():
        missing(*map(str, lacking))


@pytest.fixture(scope="session")
def pubsub_emulator(emulators_installed: None) -> Iterator[PubSubEmulator]:
    """A Pub/Sub emulator that all tests share: use topics or a project of the test's own."""
    with PubSubEmulator() as emulator:
        yield emulator


@pytest.fixture(scope="session")
def firestore_emulator(emulators_installed: None) -> Iterator[FirestoreEmulator]:
    """A Firestore emulator that all tests share: use collections or a project of the test's own."""
    with FirestoreEmulator() as emulator:
        yield emulator
