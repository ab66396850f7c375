"""ID tokens come from the environment's service account, and are fetched no more often than they have to be."""

import pytest
from google.auth.exceptions import DefaultCredentialsError, TransportError
from pytest_mock import MockerFixture

from tidegate.client import GatewayUnavailable, google_id_token
from tidegate.errors import ConfigurationError


class Credentials:
    """Credentials whose token is valid for two uses."""

    def __init__(self) -> None:
        self.fetched = 0
        self._uses = 0

    @property
    def valid(self) -> bool:
        self._uses -= 1
        return self._uses > 0

    @property
    def token(self) -> str:
        return f"token-{self.fetched}"

    def refresh(self, request: object) -> None:
        self.fetched += 1
        self._uses = 2


def test_a_token_is_kept_while_it_is_valid(mocker: MockerFixture) -> None:
    """It is asked for the gateway's own audience."""
    fetch = mocker.patch("google.oauth2.id_token.fetch_id_token_credentials", return_value=Credentials())
    token = google_id_token("https://gateway.example")
    assert [token() for _ in range(4)] == ["token-1", "token-1", "token-2", "token-2"]
    assert fetch.call_count == 1
    assert fetch.call_args.args[0] == "https://gateway.example"


def test_a_person_is_told_what_to_do(mocker: MockerFixture) -> None:
    """Without a service account, the error says where tokens come from."""
    mocker.patch("google.oauth2.id_token.fetch_id_token_credentials", side_effect=DefaultCredentialsError)
    with pytest.raises(ConfigurationError, match="gcloud auth print-identity-token"):
        google_id_token("https://gateway.example")()


def test_a_passing_failure_is_tried_again(mocker: MockerFixture) -> None:
    """It is raised as what the client's tries sit out."""
    credentials = Credentials()
    mocker.patch.object(credentials, "refresh", side_effect=TransportError)
    mocker.patch("google.oauth2.id_token.fetch_id_token_credentials", return_value=credentials)
    with pytest.raises(GatewayUnavailable, match="no ID token"):
        google_id_token("https://gateway.example")()
