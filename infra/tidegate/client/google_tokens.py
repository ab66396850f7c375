"""Identity tokens, which Cloud Run asks of callers where the gateway's access is `iam`."""

import threading
from collections.abc import Callable

from tidegate.client.errors import GatewayUnavailable
from tidegate.errors import ConfigurationError


def google_id_token(audience: str) -> Callable[[], str]:
    """A source of ID tokens for ``Client(token=…)``, from the environment's service account.

    ``audience`` is the gateway's URL. A token is kept until shortly before it expires.

    Raises:
        ConfigurationError: google-auth is not installed; from the source: there is no service account.
    """
    try:
        from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
        from google.auth.transport.requests import Request
        from google.oauth2.id_token import fetch_id_token_credentials
    except ImportError as error:
        raise ConfigurationError("google_id_token needs google-auth: pip install google-auth requests") from error
    credentials = None
    fetching = threading.Lock()  # the client asks from several threads

    def token() -> str:
        nonlocal credentials
        with fetching:
            try:
                credentials = credentials or fetch_id_token_credentials(audience, Request())  # type: ignore[no-untyped-call]
                if not credentials.valid:
                    credentials.refresh(Request())
            except DefaultCredentialsError as error:
                raise ConfigurationError(
                    "there is no service account to get an ID token for: run where one is attached, or set "
                    "GOOGLE_APPLICATION_CREDENTIALS to its key file; as a person, pass a token=… of your own that "
                    "returns what `gcloud auth print-identity-token` prints"
                ) from error
            except GoogleAuthError as error:  # such as a network that is away: the request is tried again
                raise GatewayUnavailable(f"no ID token could be fetched for {audience}: {error}") from error
            return str(credentials.token)

    return token
