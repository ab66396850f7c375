"""Push configurations on Google Cloud Pub/Sub."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from google.api_core import exceptions
from google.api_core.retry.retry_unary_async import AsyncRetry
from google.pubsub_v1.services.subscriber import SubscriberAsyncClient
from google.pubsub_v1.types import PushConfig

from tidegate.adapters.google_failures import google_failures, worth_repeating
from tidegate.errors import SubscriptionUnavailable
from tidegate.pauses import Push

T = TypeVar("T")


class PubSubSubscriptions:
    """Implements `tidegate.controls.Subscriptions`. What is made so twice is as it would be made once."""

    def __init__(self, client: SubscriberAsyncClient, project: str, *, timeout_seconds: float = 10.0) -> None:
        """``timeout_seconds`` bounds one call with all its tries."""
        self._client = client
        self._project = project
        self._timeout_seconds = timeout_seconds
        self._retry = AsyncRetry(predicate=worth_repeating(), initial=0.1, maximum=2.0, timeout=timeout_seconds)

    async def read(self, name: str) -> Push | None:
        found = await self._call(
            name,
            lambda: self._client.get_subscription(
                subscription=self._path(name), retry=self._retry, timeout=self._timeout_seconds
            ),
        )
        return push_of(found.push_config) if found.push_config.push_endpoint else None

    async def attach(self, name: str, push: Push) -> None:
        await self._modify(name, config_of(push))

    async def detach(self, name: str) -> None:
        await self._modify(name, PushConfig())

    async def _modify(self, name: str, config: PushConfig) -> None:
        await self._call(
            name,
            lambda: self._client.modify_push_config(
                subscription=self._path(name), push_config=config, retry=self._retry, timeout=self._timeout_seconds
            ),
        )

    async def _call(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        try:
            return await call()
        except exceptions.NotFound as error:
            raise SubscriptionUnavailable(
                f"subscription {name} does not exist in project {self._project}: deploy the topology"
            ) from error
        except exceptions.PermissionDenied as error:
            raise SubscriptionUnavailable(
                f"subscription {name}: not allowed ({error.message}): grant roles/pubsub.editor on it and "
                "roles/iam.serviceAccountUser on the account that its pushes are signed as"
            ) from error
        except google_failures() as error:
            raise SubscriptionUnavailable(f"subscription {name}: {type(error).__name__}: {error}") from error

    def _path(self, name: str) -> str:
        return f"projects/{self._project}/subscriptions/{name}"


def push_of(config: PushConfig) -> Push:
    """What a push configuration says."""
    return Push(
        endpoint=config.push_endpoint,
        account=config.oidc_token.service_account_email,
        audience=config.oidc_token.audience,
        unwrapped="no_wrapper" in config,
        metadata=config.no_wrapper.write_metadata,
        attributes=dict(config.attributes),
    )


def config_of(push: Push) -> PushConfig:
    """The push configuration that says so."""
    config = PushConfig(push_endpoint=push.endpoint, attributes=push.attributes)
    if push.account:
        config.oidc_token = PushConfig.OidcToken(service_account_email=push.account, audience=push.audience)
    if push.unwrapped:
        config.no_wrapper = PushConfig.NoWrapper(write_metadata=push.metadata)
    return config
