"""Problems: everything that a caller can be refused with, as RFC 9457 problem details.

A problem's ``type`` is stable: programs tell problems apart by it, people read ``detail``.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import Any

from representations import rendered
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from tidegate.errors import PublishFailed, StoreUnavailable, TidegateError
from tidegate.problems import PROBLEM_MEDIA_TYPE

_RETRY_SECONDS = 1

_log = logging.getLogger(__name__)


class Kind(Enum):
    """A kind of problem: status, last part of its type, title."""

    MALFORMED_BODY = (400, "malformed-body", "The body is not what its media type says")
    INVALID_HEADER = (400, "invalid-header", "A header cannot be used as it is")
    UNKNOWN_VERSION = (400, "unknown-version", "The contract has no such version")
    UNAUTHENTICATED = (401, "unauthenticated", "It is not known who calls")
    FORBIDDEN = (403, "forbidden", "This caller may not do this")
    UNKNOWN_TOPIC = (404, "unknown-topic", "Events of this topic are not accepted")
    UNKNOWN_JOB = (404, "unknown-job", "There is no such job")
    NO_SUCH_PATH = (404, "no-such-path", "There is nothing at this path")
    METHOD_NOT_ALLOWED = (405, "method-not-allowed", "This path has no such method")
    BODY_TOO_SLOW = (408, "body-too-slow", "The body did not come in time")
    NOBODY_SUBSCRIBES = (409, "nobody-subscribes", "Nothing would handle the event")
    TOO_LARGE = (413, "too-large", "The body is too large")
    UNSUPPORTED_MEDIA_TYPE = (415, "unsupported-media-type", "The body's media type is not accepted")
    INVALID_DATA = (422, "invalid-data", "The data does not fit its contract")
    KEY_REUSED = (422, "key-reused", "The idempotency key stands for other data")
    RATE_EXCEEDED = (429, "rate-exceeded", "This client hands in events too fast")
    INTERNAL = (500, "internal", "The gateway failed")
    UNAVAILABLE = (503, "unavailable", "The gateway got no clear answer from what it stands on")
    INSTANCE_FULL = (503, "instance-full", "This instance holds as much as fits its memory")
    BACKLOG_FULL = (503, "backlog-full", "Too many jobs of this topic have not settled yet")

    def __init__(self, status: int, slug: str, title: str) -> None:
        self.status = status
        self.type = f"urn:tidegate:problem:{slug}"
        self.title = title


class Problem(Exception):
    """Why a request is not met.

    Args:
        retry_after: seconds after which the same request may be met; also a member, since lines of a batch
            have no headers.
        members: further members of the problem's JSON object, for programs.
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        retry_after: int | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = headers
        self.members = members
        if retry_after is not None:
            self.headers = {**(headers or {}), "Retry-After": str(retry_after)}
            self.members["retry_after"] = retry_after

    @property
    def body(self) -> dict[str, Any]:
        """The problem's JSON object."""
        kind = self.kind
        return {"type": kind.type, "title": kind.title, "status": kind.status, "detail": self.detail, **self.members}

    def response(self) -> Response:
        return Response(rendered(self.body), self.kind.status, self.headers, PROBLEM_MEDIA_TYPE)


def unavailable(error: TidegateError) -> Problem:
    """What is said where the store or the broker gave no clear answer. The error itself is for the log alone."""
    _log.warning("no clear answer: %s", error)
    return Problem(
        Kind.UNAVAILABLE,
        "the store or the broker gave no clear answer: repeat the request. With the same Idempotency-Key that is "
        "safe, whatever became of this one; without a key an event may be taken twice",
        retry_after=_RETRY_SECONDS,
    )


async def _tell(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _tell_unavailable(request: Request, error: Exception) -> Response:
    assert isinstance(error, TidegateError)
    return unavailable(error).response()


async def _tell_routing(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == Kind.METHOD_NOT_ALLOWED.status:
        detail = f"{path} does not take {request.method}"
        return Problem(Kind.METHOD_NOT_ALLOWED, detail, headers=error.headers).response()
    return Problem(Kind.NO_SUCH_PATH, f"nothing is at {path}: /openapi.json lists what there is").response()


async def _tell_internal(request: Request, error: Exception) -> Response:
    """The error itself goes on to who runs the application, and is logged there."""
    return Problem(Kind.INTERNAL, "an error of our own; it has been logged").response()


HANDLERS: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    Problem: _tell,
    StoreUnavailable: _tell_unavailable,
    PublishFailed: _tell_unavailable,
    HTTPException: _tell_routing,
    Exception: _tell_internal,
}
"""How Starlette is to answer each error; coroutines, since it would give anything else a thread."""
