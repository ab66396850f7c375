"""The errors by which Google's clients say that a call did not succeed, whatever layer raises them."""

import grpc
from google.api_core.exceptions import GoogleAPIError
from google.auth.exceptions import GoogleAuthError

GOOGLE_FAILURES: tuple[type[Exception], ...] = (
    GoogleAPIError,
    GoogleAuthError,
    grpc.RpcError,
    grpc.aio.InternalError,
    grpc.aio.UsageError,  # among others: the channel is closed
    TimeoutError,
)
