"""Fixtures for every test beyond those of `tidegate.testing.plugin`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.module_table import contracts_kept
from tidegate.testing.emulators import Emulators
from tidegate_ops.emulators import FirestoreEmulator, PubSubEmulator


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as functions do."""
    return "asyncio"


@pytest.fixture(scope="module", autouse=True)
def own_contracts() -> Iterator[None]:
    """Each file of tests finds the contracts that it has imported, whatever project the one before has looked at."""
    with contracts_kept():
        yield


@pytest.fixture(scope="session")
async def one_event_loop(anyio_backend: str) -> AsyncIterator[None]:
    """A loop that all who ask for this share: gRPC, one poller a process, stumbles over late events of a closed one."""
    yield  # noqa: PT022 - a fixture that returned would let the loop go with it


@pytest.fixture
async def leap() -> AsyncIterator[Callable[[float], None]]:
    """Moves the clock of the test's event loop by so many seconds, from any thread.

    What is bounded by a minute then ends when the test has seen what it waits for, and not before.
    """
    loop = asyncio.get_running_loop()
    time, leaps = loop.time, [0.0]

    def leap(seconds: float) -> None:
        leaps.append(seconds)
        loop.call_soon_threadsafe(lambda: None)  # it may be asleep

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "time", lambda: time() + sum(leaps))
        yield leap


@pytest.fixture(scope="session")
def emulators_installed(emulators: Emulators) -> None:
    """For what starts emulators of its own."""


@pytest.fixture(scope="session")
def pubsub_emulator(emulators: Emulators) -> PubSubEmulator:
    """A Pub/Sub emulator that all tests share: use topics or a project of the test's own."""
    return emulators.pubsub


@pytest.fixture(scope="session")
def firestore_emulator(emulators: Emulators) -> FirestoreEmulator:
    """A Firestore emulator that all tests share: use collections or a project of the test's own."""
    return emulators.firestore
