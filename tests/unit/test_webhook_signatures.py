"""Webhook signatures: as the specification has them, with as many keys as a rotation needs."""

import base64
import re

import pytest

from functions.webhooks.signatures import read_keys, signed_headers
from tidegate.errors import ConfigurationError

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_" + base64.b64encode(bytes(range(64))).decode()
# The vector that the specification's own libraries are tested with.
VECTOR_ID, VECTOR_TIME, VECTOR_BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
VECTOR_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def signature(*secrets: str) -> str:
    keys = read_keys(" ".join(secrets))
    headers = signed_headers(keys, webhook_id=VECTOR_ID, timestamp=VECTOR_TIME, body=VECTOR_BODY)
    return headers["webhook-signature"]


def test_the_specifications_vector() -> None:
    """Id, time and body are signed as every library that verifies expects."""
    assert signed_headers(read_keys(OLD), webhook_id=VECTOR_ID, timestamp=VECTOR_TIME, body=VECTOR_BODY) == {
        "webhook-id": VECTOR_ID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": VECTOR_SIGNATURE,
    }


def test_every_key_signs() -> None:
    """While keys are rotated, receivers with the old and with the new one both find their signature."""
    assert signature(NEW, OLD) == f"{signature(NEW)} {VECTOR_SIGNATURE}"


@pytest.mark.parametrize("text", [f"{NEW} {OLD}", f"{NEW}\n{OLD}\n", f"\t{NEW}\r\n\n  {OLD}"])
def test_secrets_stand_apart_by_any_white_space(text: str) -> None:
    """A secret's file often ends in a line break."""
    assert len(read_keys(text)) == 2


@pytest.mark.parametrize(
    "secret",
    [
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa!!",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
        "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaé=",
    ],
)
def test_a_secret_that_is_none_is_named_by_its_place(secret: str) -> None:
    """Prefix, base64 and length are as specified; the message is logged, so it quotes nothing."""
    with pytest.raises(
        ConfigurationError, match=r"webhook secret number 2 is not whsec_ and .* 24 to 64 bytes"
    ) as error:
        read_keys(f"{OLD} {secret}")
    assert not re.search(r"MfKQ9|AAAA", str(error.value))
