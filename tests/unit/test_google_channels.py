"""Our own channels to Google Cloud, beside those that the official clients open."""

from typing import Any

import grpc
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import AsyncClient
from google.pubsub_v1.services.publisher import PublisherAsyncClient
from pytest_mock import MockerFixture

from tidegate.adapters.google_channels import firestore_channel, pubsub_channel
from tidegate.settings import Settings

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("one_event_loop")]


class Google:
    """What is asked of gRPC and of google-auth.

    Attributes:
        channels: host → options, of each channel that was opened.
        scopes: those that credentials were asked for.
    """

    def __init__(self, mocker: MockerFixture) -> None:
        self.channels: dict[str, dict[str, Any]] = {}
        self.scopes: set[tuple[str, ...]] = set()
        mocker.patch("grpc.aio.secure_channel", self._open)
        mocker.patch("google.auth.default", self._credentials)

    def _open(self, target: str, credentials: Any, options: Any = (), **_: Any) -> grpc.aio.Channel:
        assert isinstance(credentials, grpc.ChannelCredentials)
        self.channels[target.removesuffix(":443")] = dict(options)
        return grpc.aio.insecure_channel("127.0.0.1:1")

    def _credentials(self, scopes: Any = None, default_scopes: Any = None, **_: Any) -> tuple[Any, str]:
        self.scopes.add(tuple(scopes or default_scopes))
        return AnonymousCredentials(), "p"


async def test_a_channel_is_as_the_official_clients_open_it(mocker: MockerFixture) -> None:
    """The same hosts, at least the same options, and credentials of the same scopes."""
    official = Google(mocker)
    PublisherAsyncClient()
    assert AsyncClient(project="p")._firestore_api
    own = Google(mocker)
    pubsub_channel(Settings("p"))
    firestore_channel(Settings("p"))
    assert own.channels.keys() == official.channels.keys() == {"pubsub.googleapis.com", "firestore.googleapis.com"}
    for host, options in official.channels.items():
        assert options.items() <= own.channels[host].items()
    assert own.scopes == official.scopes
