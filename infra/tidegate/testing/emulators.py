"""The official emulators for tests, started when one is first asked for."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from types import TracebackType
from typing import Self

from tidegate_ops.emulators import DEFAULT_PROJECT, FirestoreEmulator, PubSubEmulator


class Emulators:
    """Emulators that all tests share: use topics and collections, or a Google Cloud project, of the test's own."""

    def __init__(self) -> None:
        self._started = ExitStack()

    @cached_property
    def pubsub(self) -> PubSubEmulator:
        return self._started.enter_context(PubSubEmulator())

    @cached_property
    def firestore(self) -> FirestoreEmulator:
        return self._started.enter_context(FirestoreEmulator())

    def environment(self, project: str = DEFAULT_PROJECT) -> Mapping[str, str]:
        """The variables by which Google's clients and `tidegate` find both."""
        return {
            "GOOGLE_CLOUD_PROJECT": project,
            "PUBSUB_EMULATOR_HOST": self.pubsub.host,
            "FIRESTORE_EMULATOR_HOST": self.firestore.host,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._started.close()
