"""The official clients, made at the edge: on Google Cloud, or on the emulators that the settings name.

Call each once per process and inside the running event loop, to which their channels belong.
"""

from typing import TYPE_CHECKING

import grpc
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient

# The generated package alone: google.cloud.pubsub_v1 adds flow control that is not used, and start-up time.
from google.pubsub_v1.services.publisher import PublisherAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.services.subscriber import SubscriberAsyncClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport

from tidegate.settings import Settings

if TYPE_CHECKING:
    from google.cloud.tasks_v2.services.cloud_tasks import CloudTasksAsyncClient


def firestore_client(settings: Settings) -> AsyncClient:
    """A Firestore client; it connects on its first call."""
    if not settings.firestore_emulator_host:
        return AsyncClient(project=settings.project, database=settings.database)
    nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]
    client = AsyncClient(project=settings.project, database=settings.database, credentials=nobody)
    # The library takes the host from the environment only, which is read elsewhere and passed on.
    client._emulator_host = settings.firestore_emulator_host
    return client


def publisher_client(settings: Settings) -> PublisherAsyncClient:
    """A Pub/Sub publisher; it connects on its first call."""
    host = settings.pubsub_emulator_host
    if not host:
        return PublisherAsyncClient()
    # This client ignores PUBSUB_EMULATOR_HOST: without a channel of our own it would talk to production.
    return PublisherAsyncClient(transport=PublisherGrpcAsyncIOTransport(channel=grpc.aio.insecure_channel(host)))


def subscriber_client(settings: Settings) -> SubscriberAsyncClient:
    """A Pub/Sub subscriber; it connects on its first call."""
    host = settings.pubsub_emulator_host
    if not host:
        return SubscriberAsyncClient()
    # As above: this client ignores PUBSUB_EMULATOR_HOST, too.
    return SubscriberAsyncClient(transport=SubscriberGrpcAsyncIOTransport(channel=grpc.aio.insecure_channel(host)))


def tasks_client(settings: Settings) -> "CloudTasksAsyncClient":
    """A Cloud Tasks client; it connects on its first call."""
    # Loaded here, since most functions delay nothing: it would add to the start-up time of every one.
    from google.cloud.tasks_v2.services.cloud_tasks import CloudTasksAsyncClient
    from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcAsyncIOTransport

    if not settings.tasks_host:
        return CloudTasksAsyncClient()
    return CloudTasksAsyncClient(
        transport=CloudTasksGrpcAsyncIOTransport(channel=grpc.aio.insecure_channel(settings.tasks_host))
    )
