"""What a submission's headers ask for besides taking the event."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from problems import Kind, Problem
from starlette.datastructures import Headers

from tidegate.messages import MAX_ATTRIBUTE_BYTES, whole_number

IDEMPOTENCY_KEY = "Idempotency-Key"
ORDERING_KEY = "Tidegate-Ordering-Key"
CALLBACK_URL = "Tidegate-Callback-Url"
EXPIRES_IN = "Tidegate-Expires-In"
CLASS = "Tidegate-Class"

MAX_KEY_CHARACTERS = 255
MAX_URL_CHARACTERS = 2_048

_PORT = r"[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"
URL = (
    r"^(?P<scheme>https?)://(?P<host>[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)"
    rf'(:({_PORT}))?([/?][!"$-~]*)?$'
)
"""A URL that may be called back: of printable ASCII, without user name and fragment."""
_THIS_MACHINE = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class Options:
    """The headers of a submission, read.

    Attributes:
        idempotency_key: empty for none.
        ordering_key: empty for none.
        callback_url: told when the job has settled; empty for nobody.
        expires_in: after this time the event is shed instead of handled; None for never.
        class_: how important the event is; empty for what its topic says.
    """

    idempotency_key: str = ""
    ordering_key: str = ""
    callback_url: str = ""
    expires_in: timedelta | None = None
    class_: str = ""

    @classmethod
    def read(cls, headers: Headers, *, emulated: bool, classes: Sequence[str]) -> "Options":
        """Read a request's headers; ``emulated`` is whether the site is on the emulators, ``classes`` are those known.

        Raises:
            Problem: one of them cannot be used.
        """
        return cls(
            idempotency_key=_printable(headers, IDEMPOTENCY_KEY, MAX_KEY_CHARACTERS),
            ordering_key=_printable(headers, ORDERING_KEY, MAX_ATTRIBUTE_BYTES),
            callback_url=_callback_url(headers, emulated=emulated),
            expires_in=_expires_in(headers),
            class_=_class(headers, classes),
        )


def _printable(headers: Headers, name: str, most: int) -> str:
    text = headers.get(name)
    if text is None:
        return ""
    if not (0 < len(text) <= most and text.isascii() and text.isprintable()):
        raise _invalid(name, f"expected 1 to {most:,} printable ASCII characters")
    return text


def _callback_url(headers: Headers, *, emulated: bool) -> str:
    text = _printable(headers, CALLBACK_URL, MAX_URL_CHARACTERS)
    if not text:
        return ""
    url = re.fullmatch(URL, text)
    if not url:
        raise _invalid(CALLBACK_URL, "expected https://HOST/PATH without user name and fragment")
    if url["scheme"] == "http" and not (emulated and url["host"] in _THIS_MACHINE):
        raise _invalid(CALLBACK_URL, "expected https; on the emulators, http to this machine is taken as well")
    return text


def _expires_in(headers: Headers) -> timedelta | None:
    text = headers.get(EXPIRES_IN)
    if text is None:
        return None
    seconds = whole_number(text)
    if not seconds:
        raise _invalid(EXPIRES_IN, "expected a whole number of seconds, 1 or more")
    return timedelta(seconds=seconds)


def _class(headers: Headers, known: Sequence[str]) -> str:
    name = headers.get(CLASS, "")
    if CLASS in headers and name not in known:
        raise _invalid(CLASS, f"expected {' or '.join(known)}" if known else "this application has no classes")
    return name


def _invalid(name: str, expected: str) -> Problem:
    return Problem(Kind.INVALID_HEADER, f"{name}: {expected}", header=name)
