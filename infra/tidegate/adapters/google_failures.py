"""The errors by which Google's clients say that a call did not succeed, whatever layer raises them."""

import grpc
from google.api_core import exceptions
from google.api_core.exceptions import GoogleAPIError
from google.api_core.retry import if_exception_type
from google.auth.exceptions import GoogleAuthError

GOOGLE_FAILURES: tuple[type[Exception], ...] = (
    GoogleAPIError,
    GoogleAuthError,
    grpc.RpcError,
    grpc.aio.InternalError,
    grpc.aio.UsageError,  # among others: the channel is closed
    TimeoutError,
)

PERMANENT: tuple[type[exceptions.GoogleAPICallError], ...] = (exceptions.InvalidArgument, exceptions.OutOfRange)
"""The fault of this very request, whoever sends it and whenever. PermissionDenied is none of these: it is the
project's state, and the same request succeeds as soon as somebody grants the role."""

TRANSIENT = if_exception_type(
    exceptions.Aborted,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.ServiceUnavailable,
    exceptions.Unknown,
)
"""Whether a call that may be repeated is worth repeating."""
