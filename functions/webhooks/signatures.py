"""Signatures by the Standard Webhooks specification, version 1.0.0, in its symmetric scheme ``v1``."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from tidegate.errors import ConfigurationError

PREFIX = "whsec_"
_KEY_BYTES = range(24, 64 + 1)  # as the specification demands


def read_keys(text: str) -> tuple[bytes, ...]:
    """The keys of secrets that are separated by white space, each ``whsec_`` and base64.

    Raises:
        ConfigurationError: one of them is no such secret. Which one is told by its place; no part of it is quoted.
    """
    return tuple(_key(secret, place) for place, secret in enumerate(text.split(), start=1))


def signed_headers(keys: Sequence[bytes], *, webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers that let a receiver verify ``body``: one signature for each key, in their order.

    Args:
        webhook_id: the same whenever this webhook is sent; without a full stop.
        timestamp: of this attempt, in seconds since 1970.
    """
    content = f"{webhook_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode() for key in keys)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
    }


def _key(secret: str, place: int) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in _KEY_BYTES:
        raise ConfigurationError(
            f"webhook secret number {place} is not {PREFIX} and the base64 of {_KEY_BYTES.start} to "
            f"{_KEY_BYTES.stop - 1} bytes: make one with `echo {PREFIX}$(openssl rand -base64 32)`"
        )
    return key
