"""Channels for messages that we encode ourselves: to Google Cloud, or to the emulators that the settings name.

Make each once per process and inside the running event loop, to which it belongs; it connects on its first call.
"""

import grpc

from tidegate.settings import Settings

# Those of the official clients.
_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_metadata_size", 4 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
)


def firestore_channel(settings: Settings) -> grpc.aio.Channel:
    """To Firestore."""
    return _channel(settings.firestore_emulator_host, "firestore", "datastore")


def pubsub_channel(settings: Settings) -> grpc.aio.Channel:
    """To Pub/Sub."""
    return _channel(settings.pubsub_emulator_host, "pubsub", "pubsub")


def _channel(emulator: str, service: str, scope: str) -> grpc.aio.Channel:
    if emulator:
        return grpc.aio.insecure_channel(emulator, options=_OPTIONS)
    # Google's way to credentials, which the emulators need as little as what it loads.
    from google.api_core.grpc_helpers_async import create_channel

    host = f"{service}.googleapis.com"
    scopes = [f"https://www.googleapis.com/auth/{each}" for each in ("cloud-platform", scope)]
    channel: grpc.aio.Channel = create_channel(
        f"{host}:443", default_scopes=scopes, default_host=host, options=_OPTIONS
    )
    return channel
