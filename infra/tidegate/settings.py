"""The environment, read once, at the edge."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tidegate.errors import ConfigurationError

CONFIG_VARIABLE = "TIDEGATE_CONFIG"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a process is told by its environment.

    Attributes:
        project: the Google Cloud project's id.
        database: the Firestore database's id.
        firestore_emulator_host, pubsub_emulator_host: host:port; empty for the real services.
        environment: all variables, for addresses of dependencies.
    """

    project: str
    database: str = "(default)"
    firestore_emulator_host: str = ""
    pubsub_emulator_host: str = ""
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the environment.

        Raises:
            ConfigurationError: no project is named, or only one of the two emulators is.
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
        return cls(
            project=project,
            database=environment.get("TIDEGATE_DATABASE", "(default)"),
            firestore_emulator_host=firestore,
            pubsub_emulator_host=pubsub,
            environment=MappingProxyType(dict(environment)),
        )
