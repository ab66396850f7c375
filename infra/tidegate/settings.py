"""The environment, read once, at the edge."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tidegate.errors import ConfigurationError

CONFIG_VARIABLE = "TIDEGATE_CONFIG"
_QUEUE = re.compile(r"projects/[^/]+/locations/[^/]+/queues/[^/]+")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process is told by its environment.

    Attributes:
        project: the Google Cloud project's id.
        database: the Firestore database's id.
        firestore_emulator_host, pubsub_emulator_host: host:port; empty for the real services.
        environment: all variables, for addresses of dependencies.
        tasks_host: host:port of a local service in place of Cloud Tasks; empty for the real one.
        tasks_queue: the full name of the queue for events that are due later; empty where nothing can be delayed.
        tasks_account: the service account that publishes those events; the local service needs none.
    """

    project: str
    database: str = "(default)"
    firestore_emulator_host: str = ""
    pubsub_emulator_host: str = ""
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    tasks_host: str = ""
    tasks_queue: str = ""
    tasks_account: str = ""

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the environment.

        Raises:
            ConfigurationError: no project is named, only one of the two emulators is, or the queue does not fit them.
        """
        project = environment.get("GOOGLE_CLOUD_PROJECT", "")
        if not project:
            raise ConfigurationError("GOOGLE_CLOUD_PROJECT is not set: set it to the project's id")
        firestore = environment.get("FIRESTORE_EMULATOR_HOST", "")
        pubsub = environment.get("PUBSUB_EMULATOR_HOST", "")
        if bool(firestore) != bool(pubsub):
            raise ConfigurationError(
                "only one of FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST is set: "
                "set both for the emulators, none for Google Cloud"
            )
        _check_tasks(environment)
        return cls(
            project=project,
            database=environment.get("TIDEGATE_DATABASE", "(default)"),
            firestore_emulator_host=firestore,
            pubsub_emulator_host=pubsub,
            environment=MappingProxyType(dict(environment)),
            tasks_host=environment.get("TIDEGATE_TASKS_HOST", ""),
            tasks_queue=environment.get("TIDEGATE_TASKS_QUEUE", ""),
            tasks_account=environment.get("TIDEGATE_TASKS_ACCOUNT", ""),
        )


def _check_tasks(environment: Mapping[str, str]) -> None:
    """A queue is optional, but what is said of it must be enough, and as local as the emulators."""
    queue = environment.get("TIDEGATE_TASKS_QUEUE", "")
    if not queue:
        return
    if not _QUEUE.fullmatch(queue):
        raise ConfigurationError(f"TIDEGATE_TASKS_QUEUE is {queue!r}: write projects/P/locations/L/queues/Q")
    emulated = bool(environment.get("PUBSUB_EMULATOR_HOST"))
    if emulated != bool(environment.get("TIDEGATE_TASKS_HOST")):
        raise ConfigurationError(
            "only one of TIDEGATE_TASKS_HOST and PUBSUB_EMULATOR_HOST is set: set both for the emulators, none for "
            "Google Cloud; without TIDEGATE_TASKS_QUEUE no event can be delayed"
        )
    if not emulated and not environment.get("TIDEGATE_TASKS_ACCOUNT"):
        raise ConfigurationError(
            "TIDEGATE_TASKS_QUEUE is set, but not TIDEGATE_TASKS_ACCOUNT: set it to the email of the service account "
            "that publishes events when they are due"
        )
