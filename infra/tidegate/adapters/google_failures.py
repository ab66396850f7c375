"""The errors by which Google's clients say that a call did not succeed, whatever layer raises them.

Their classes take long to load, and nobody needs them before something fails: ask for them in the ``except`` itself.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from google.api_core.exceptions import GoogleAPICallError

PERMANENT = ("InvalidArgument", "OutOfRange")
"""The fault of this very request, whoever sends it and whenever. PermissionDenied is none of these: it is the
project's state, and the same request succeeds as soon as somebody grants the role."""

TRANSIENT = (
    "Aborted",
    "DeadlineExceeded",
    "InternalServerError",
    "ResourceExhausted",
    "ServiceUnavailable",
    "Unknown",
)
"""After these a call that may be repeated is worth repeating."""


@cache
def google_failures() -> tuple[type[Exception], ...]:
    """All that say so."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    return (
        GoogleAPIError,
        GoogleAuthError,
        grpc.RpcError,
        grpc.aio.InternalError,
        grpc.aio.UsageError,  # among others: the channel is closed
        TimeoutError,
    )


@cache
def call_errors(*names: str) -> "tuple[type[GoogleAPICallError], ...]":
    """Those of these names in `google.api_core.exceptions`."""
    from google.api_core import exceptions

    return tuple(getattr(exceptions, each) for each in names)


@cache
def worth_repeating() -> Callable[[Exception], bool]:
    """Whether an error is one of `TRANSIENT`, as Google's own retries ask."""
    from google.api_core.retry import if_exception_type

    asks: Callable[[Exception], bool] = if_exception_type(*call_errors(*TRANSIENT))
    return asks


def call_error(status: grpc.StatusCode | int, message: str) -> "GoogleAPICallError":
    """The one that stands for a status of gRPC's."""
    from google.api_core.exceptions import from_grpc_status

    error: GoogleAPICallError = from_grpc_status(status, message)  # type: ignore[no-untyped-call]
    return error


def call_error_of(error: grpc.aio.AioRpcError) -> "GoogleAPICallError":
    """What Google's own clients make of gRPC's error."""
    from google.api_core.exceptions import from_grpc_error

    told: GoogleAPICallError = from_grpc_error(error)  # type: ignore[no-untyped-call]
    return told
