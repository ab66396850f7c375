"""What the end of a use says about the dependency's health.

Client libraries are recognised by what their errors carry, so that the runtime imports none of them.
"""

import asyncio
import sys
from enum import StrEnum

from tidegate.errors import DependencyCutOff, Reject

OVERLOADED = (408, 425, 429)
"""HTTP statuses below 500 by which a server says that it cannot cope at the moment."""

MAX_CHARACTERS = 300


class Sign(StrEnum):
    """One use's evidence: it works, it does not, or nobody can tell."""

    ANSWERED = "answered"
    FAILED = "failed"
    UNCLEAR = "unclear"


def sign_of(error: BaseException) -> Sign:
    """What ``error`` says about the dependency that it came out of.

    Time-outs, lost connections and HTTP answers from 500 on or of `OVERLOADED` are its failures. Any other HTTP
    answer is one, and so is what made the handler reject. The rest, such as a fault in the handler, is unclear.
    """
    if isinstance(error, BaseExceptionGroup):
        signs = set(map(sign_of, error.exceptions))
        return next((each for each in (Sign.FAILED, Sign.UNCLEAR) if each in signs), Sign.ANSWERED)
    if isinstance(error, DependencyCutOff | asyncio.CancelledError):
        return Sign.UNCLEAR
    if isinstance(error, Reject):
        return Sign.ANSWERED
    status = _status(error)
    if status is not None:
        return Sign.FAILED if status >= 500 or status in OVERLOADED else Sign.ANSWERED
    return Sign.FAILED if _is_broken_connection(error) else Sign.UNCLEAR


def described(error: BaseException) -> str:
    """The error in a few words that every store takes."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return text[:MAX_CHARACTERS].encode(errors="replace").decode()


def _status(error: BaseException) -> int | None:
    """The HTTP status that the error is about: httpx and requests keep it in its response, others in itself."""
    response = getattr(error, "response", None)
    places = ((response, "status_code"), (response, "status"), (error, "status"), (error, "code"))
    found = (getattr(each, name, None) for each, name in places)
    return next((int(each) for each in found if isinstance(each, int) and 100 <= each <= 599), None)


def _is_broken_connection(error: BaseException) -> bool:
    """Time-outs, refused connections, unknown names and TLS failures are all OSErrors, but for those of httpx."""
    if isinstance(error, OSError):
        return error.filename is None  # with a name it is about a file
    httpx = sys.modules.get("httpx")
    return httpx is not None and isinstance(
        error, httpx.TimeoutException | httpx.NetworkError | httpx.RemoteProtocolError | httpx.ProxyError
    )
