"""Which project the operator's commands work on, and the clients for it."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import google.auth
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import AuthorizedSession
from google.cloud.firestore import AsyncClient
from google.pubsub_v1.services.publisher import PublisherAsyncClient
from google.pubsub_v1.services.subscriber import SubscriberAsyncClient

from tidegate.adapters.google_channels import pubsub_channel
from tidegate.adapters.google_clients import firestore_client, publisher_client, subscriber_client
from tidegate.adapters.pubsub_publisher import PubSubPublisher
from tidegate.errors import ConfigurationError
from tidegate.ports import Publisher
from tidegate.settings import Settings
from tidegate_ops.emulators import DEFAULT_PROJECT
from tidegate_ops.project import Project
from tidegate_ops.stack_state import StackState

_SCOPES = tuple(
    f"https://www.googleapis.com/auth/{each}"
    for each in ("cloud-platform.read-only", "logging.read", "monitoring.read")
)


@dataclass(frozen=True, slots=True)
class Connections:
    """Firestore and Pub/Sub of one project."""

    firestore: AsyncClient
    publisher: Publisher
    subscriber: SubscriberAsyncClient
    topics: PublisherAsyncClient


def find_settings(project: Project, named: str = "", environment: Mapping[str, str] = os.environ) -> Settings:
    """The emulators of the environment or else of the running stack; Google Cloud only if ``named``.

    Raises:
        ConfigurationError: there is neither, or the stack is still starting.
    """
    if environment.get("PUBSUB_EMULATOR_HOST") or environment.get("FIRESTORE_EMULATOR_HOST"):
        default = environment.get("GOOGLE_CLOUD_PROJECT") or DEFAULT_PROJECT
        return Settings.read({**environment, "GOOGLE_CLOUD_PROJECT": named or default})
    if named:
        return Settings.read({**environment, "GOOGLE_CLOUD_PROJECT": named})
    return Settings.read({**environment, **StackState.require(project).environment()})


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[Connections]:
    """The clients, while entered."""
    firestore, publisher, channel = firestore_client(settings), publisher_client(settings), pubsub_channel(settings)
    subscriber = subscriber_client(settings)
    try:
        yield Connections(firestore, PubSubPublisher(channel, settings.project), subscriber, publisher)
    finally:
        await subscriber.transport.close()  # type: ignore[no-untyped-call]
        await channel.close()
        await publisher.transport.close()  # type: ignore[no-untyped-call]
        await firestore._firestore_api.transport.close()


def reading_session() -> AuthorizedSession:
    """What signs requests to Google's APIs that only read.

    Raises:
        ConfigurationError: there are no credentials.
    """
    try:
        credentials, _ = google.auth.default(_SCOPES)
    except GoogleAuthError as error:
        raise ConfigurationError(f"{error}: run `gcloud auth application-default login`") from error
    return AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
