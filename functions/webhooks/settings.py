"""What the environment tells this function, read once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from signatures import read_keys

from tidegate.errors import ConfigurationError

SECRETS_VARIABLE = "TIDEGATE_WEBHOOK_SECRETS"
LOOPBACK_VARIABLE = "TIDEGATE_WEBHOOKS_ALLOW_LOOPBACK"
LOCAL_SECRET = "whsec_dGlkZWdhdGUtbG9jYWwtd2ViaG9vay1zZWNyZXQ="  # noqa: S105 - public on purpose
"""Signs on the emulators where no secret is set: everybody may know it, and nothing real trusts it."""


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """How webhooks are sent.

    Attributes:
        keys: each signs every webhook; the newest first.
        loopback: receivers on this machine are allowed, over http too.
    """

    keys: tuple[bytes, ...] = field(repr=False)
    loopback: bool

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "WebhookSettings":
        """Read the environment.

        Raises:
            ConfigurationError: there is no secret to sign with, or one that is none.
        """
        local = bool(environment.get("FIRESTORE_EMULATOR_HOST"))
        keys = read_keys(environment.get(SECRETS_VARIABLE, "")) or (read_keys(LOCAL_SECRET) if local else ())
        if not keys:
            raise ConfigurationError(
                f"{SECRETS_VARIABLE} is not set: add a version to the secret that it is filled from, "
                "one or more of whsec_ and base64, the newest first, and deploy again"
            )
        # Without the emulators the variable is ignored: loopback is then the inside of a cloud.
        return cls(keys, loopback=local and environment.get(LOOPBACK_VARIABLE) == "1")
