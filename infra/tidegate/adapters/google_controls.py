"""What the governor works with, on Google Cloud or its emulators."""

from google.cloud.firestore import AsyncClient

from tidegate.adapters.firestore_pauses import FirestorePauses
from tidegate.adapters.google_clients import subscriber_client
from tidegate.adapters.pubsub_subscriptions import PubSubSubscriptions
from tidegate.controls import Controls
from tidegate.settings import Settings


def google_controls(settings: Settings, firestore: AsyncClient) -> Controls:
    """The controls of the settings' project."""
    return Controls(FirestorePauses(firestore), PubSubSubscriptions(subscriber_client(settings), settings.project))
