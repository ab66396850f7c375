"""What an HTTP request is answered with that cannot be met: problem details, RFC 9457."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse

PROBLEM_MEDIA_TYPE = "application/problem+json"


def problem(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """A response that says what is wrong, in words for the person who calls."""
    body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    return JSONResponse(body, status, headers, PROBLEM_MEDIA_TYPE)
